#!/bin/sh
# Adds a line about each group to the file that is its argument: the recipes, and how it went.
#
# For auh's step `command`: does without the request, since the variables say enough, and without an
# outcome, since its exit status says whether it worked.
set -eu

case $AUH_FAILED in
    yes) verdict=failed ;;
    *) verdict=succeeded ;;
esac
printf '%s: %s\n' "$AUH_RECIPES" "$verdict" >>"$1"
