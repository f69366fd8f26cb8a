# The distribution's package lists of DEP_INDEX's suite and mirror with the components that NVIDIA's driver is in: contrib,
# non-free and non-free-firmware beside main. Only what is for a card of NVIDIA's is taken from these.
. "$SRC/recipes/lib.sh"
. "$SRC/recipes/index/lists.sh"
mkdir "$OUT/facts"

cp "$DEP_INDEX/suite" "$OUT/suite"
sed 's/ main$/ main contrib non-free non-free-firmware/' "$DEP_INDEX/sources.list" >"$OUT/sources.list"
grep -q ' non-free-firmware$' "$OUT/sources.list" || die "the pinned sources are not written as they were"
pinned=$(cat "$DEP_INDEX/facts/release-date")
fetch_lists
ls "$OUT"/lists/*_non-free_*_Packages >/dev/null 2>&1 || die "the mirror has no non-free component"
record_release
[ "$pinned" = "$(cat "$OUT/facts/release-date")" ] || say "the lists are newer than those of the other images: $pinned"
