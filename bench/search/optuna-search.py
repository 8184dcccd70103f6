"""Searches with Optuna: prints the parameters of each trial as a line of JSON, and reads its loss from a line of the input."""
import json
import sys
import warnings

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def suggest(trial, space):
    values = {}
    for name, parameter in space.items():
        if "choices" in parameter:
            values.update(suggest_choice(trial, name, parameter["choices"]))
        elif parameter.get("int"):
            values[name] = trial.suggest_int(name, parameter["low"], parameter["high"], log=parameter.get("log", False))
        else:
            values[name] = trial.suggest_float(name, parameter["low"], parameter["high"], log=parameter.get("log", False))
    return values


def suggest_choice(trial, name, choices):
    names = [choice if isinstance(choice, str) else choice["name"] for choice in choices]
    chosen = trial.suggest_categorical(name, names)
    choice = choices[names.index(chosen)]
    own = {} if isinstance(choice, str) else suggest(trial, choice["parameters"])
    return {name: chosen, **own}


def sampler_for(name, seed):
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if name == "tpe":
        return optuna.samplers.TPESampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)


def search(task):
    study = optuna.create_study(sampler=sampler_for(task["sampler"], task["seed"]))
    for _ in range(task["trials"]):
        trial = study.ask()
        print(json.dumps(suggest(trial, task["space"])), flush=True)
        study.tell(trial, float(sys.stdin.readline()))


def halve(task):
    """Replays learning curves, most of which the pruner ends early."""
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=task["min"], reduction_factor=task["reduction"])
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner)
    steps = 0
    best = float("inf")
    for curve in task["curves"]:
        trial = study.ask()
        state = optuna.trial.TrialState.COMPLETE
        for epoch, value in enumerate(curve, start=1):
            steps += 1
            trial.report(value, epoch)
            if trial.should_prune():
                state = optuna.trial.TrialState.PRUNED
                break
        if state == optuna.trial.TrialState.COMPLETE:
            best = min(best, curve[-1])
            study.tell(trial, curve[-1])
        else:
            study.tell(trial, state=state)
    print(json.dumps({"best": best, "steps": steps}), flush=True)


def main():
    for line in iter(sys.stdin.readline, ""):
        task = json.loads(line)
        if "curves" in task:
            halve(task)
        else:
            search(task)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
