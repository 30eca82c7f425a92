# The calls that upgrade one recipe, one after another, as somebody types them in an initialised
# build environment. A line before each says which one comes.
#
#   by-hand RECIPE VERSION LAYER PATCHES MACHINE=BUILDDIR...
#
# The first machine is that of the environment's build directory.
set -eu
recipe=$1 version=$2 layer=$3 patches=$4
shift 4

begin() { echo "by hand: $1"; }

for file in "$layer"/recipes-*/*/"$recipe"_*.bb; do folder=${file%/*}; done

begin baseline
bitbake "$recipe"
begin "devtool upgrade"
devtool upgrade "$recipe" -V "$version"
begin "devtool finish"
devtool finish -f "$recipe" "$folder"
for place; do
    begin "compile ${place%%=*}"
    (
        export BUILDDIR="${place#*=}" BBPATH="${place#*=}"
        cd "$BUILDDIR"
        bitbake "$recipe"
    )
done
begin buildhistory-diff
buildhistory-diff
buildhistory-diff -a
begin commit
git -C "$layer" add -A
git -C "$layer" commit -q -s -m "$recipe: upgrade to $version"
git -C "$layer" format-patch -M10 -1 -o "$patches"
begin end
