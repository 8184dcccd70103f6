"""What flambé's preprocess does to a runnable file, on ruamel.yaml: first parse and dump, check of tags, compile.

Prints the best and the median milliseconds of a whole preprocess. Reads the text from standard input; the tags to
register are the arguments. After flambe/runnable/context.py and flambe/compile/registrable.py of
https://github.com/asappresearch/flambe.
"""

import json
import statistics
import sys
import time
from io import StringIO

from ruamel.yaml import YAML, ScalarNode

yaml = YAML()
tags = {f"!{name}" for name in sys.argv[1:]}


class Registered:
    def __init__(self, tag, **options):
        self.tag = tag
        self.options = options


def from_yaml(tag):
    def construct(constructor, node):
        if isinstance(node, ScalarNode):
            return Registered(tag)
        (options,) = list(constructor.construct_yaml_map(node))
        return Registered(tag, **options)

    return construct


for each in tags:
    yaml.constructor.add_constructor(each, from_yaml(each))
yaml.representer.add_representer(
    Registered, lambda representer, value: representer.represent_mapping(value.tag, value.options)
)


def preprocess(text):
    documents = list(yaml.load_all(text))
    with StringIO() as stream:
        yaml.dump(documents[-1], stream)
        content = stream.getvalue()
    for event in yaml.parse(content):
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) not in tags:
            raise ValueError(f"Unknown tag: {tag}")
    return yaml.load(content)


text = sys.stdin.read()
times = []
for _ in range(4):
    start = time.perf_counter()
    preprocess(text)
    times.append((time.perf_counter() - start) * 1000)
print(json.dumps({"best": min(times), "median": statistics.median(times)}))
