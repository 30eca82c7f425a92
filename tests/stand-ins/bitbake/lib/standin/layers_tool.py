"""The `bitbake-layers` command: show-layers and show-recipes."""

import argparse

from standin import bitbake_tool, configuration


def main(arguments):
    parser = argparse.ArgumentParser(prog="bitbake-layers", description="stand-in for bitbake-layers: layers and recipes")
    commands = parser.add_subparsers(title="subcommands", metavar="<subcommand>", required=True)
    commands.add_parser("show-layers").set_defaults(function=_show_layers)
    show = commands.add_parser("show-recipes")
    show.add_argument("-l", "--layer", default="")
    show.add_argument("pnspec", nargs="*")
    show.set_defaults(function=_show_recipes)
    options = parser.parse_args(arguments)
    config = configuration.load()
    with bitbake_tool.BuildLock(config.builddir):
        options.function(options, config)
    return 0


def _show_layers(_options, config):
    print("layer                 path                                                                    priority")
    print("=" * 104)
    for layer in config.layers:
        print("%-20s  %-70s  %d" % (layer.name, layer.path, layer.priority))


def _show_recipes(options, config):
    recipes = bitbake_tool.load_recipes(config)
    print("=== Available recipes: ===")
    for entry in sorted(recipes.entries.values(), key=lambda entry: entry.pn):
        layer = config.layer_of(entry.fn)
        title = layer.title if layer else "?"
        if (options.layer and title != options.layer) or (options.pnspec and entry.pn not in options.pnspec):
            continue
        skipped = " (skipped: %s)" % entry.skipped if entry.skipped else ""
        print("%s:\n  %-20s %s%s" % (entry.pn, title, entry.pv, skipped))
