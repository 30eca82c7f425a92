"""The `bitbake-getvar` command, as far as it shows the value of a variable of the build configuration."""

import argparse
import sys

from standin import configuration


def main(arguments):
    parser = argparse.ArgumentParser(prog="bitbake-getvar", description="stand-in for bitbake-getvar: the value of a variable")
    parser.add_argument("variable")
    parser.add_argument("--value", action="store_true", required=True)
    options = parser.parse_args(arguments)
    value = configuration.load().data.getVar(options.variable)
    if value is None:
        sys.stderr.write("The variable '%s' is not defined\n" % options.variable)
        return 1
    print(value)
    return 0
