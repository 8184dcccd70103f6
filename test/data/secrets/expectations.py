"""What Python makes of the .ini files here: writes a .json beside each.

Regenerate, after adding or changing a file, with CPython 3.11 from the repository root:

    python3.11 test/data/secrets/expectations.py

A file that `configparser.ConfigParser()` reads gives each section with its keys (those of DEFAULT, too);
a key has a value, or the name of the exception that reading it raises:

    {"sections": {"A": {"x": {"value": "1"}, "y": {"error": "InterpolationSyntaxError"}}}, "defaults": {}}

A file that it refuses gives the name of the exception and the lines that it names:

    {"error": "ParsingError", "lines": [2, 5]}
"""

import configparser
import json
import pathlib
import sys


def read(path):
    parser = configparser.ConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except configparser.Error as error:
        return {"error": type(error).__name__, "lines": lines(error)}
    sections = {name: keys(parser, name) for name in parser.sections()}
    return {"sections": sections, "defaults": keys(parser, parser.default_section)}


def lines(error):
    if hasattr(error, "lineno"):
        return [error.lineno]
    return [line for line, _ in error.errors]


def keys(parser, section):
    return {key: value(parser, section, key) for key in parser[section]}


def value(parser, section, key):
    try:
        return {"value": parser.get(section, key)}
    except configparser.InterpolationError as error:
        return {"error": type(error).__name__}


def main():
    if sys.version_info[:2] != (3, 11):
        sys.exit("Use Python 3.11: the expectations are those of its configparser")
    for path in sorted(pathlib.Path(__file__).parent.glob("*.ini")):
        text = json.dumps(read(path), indent=2)
        path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
