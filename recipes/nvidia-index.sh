# The distribution's package lists of DEP_INDEX's suite and mirror with the components that NVIDIA's driver is in: contrib,
# non-free and non-free-firmware beside main. Only what is for a card of NVIDIA's is taken from these.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

mkdir -p "$OUT/lists/partial" apt-cache/archives/partial
cp "$DEP_INDEX/suite" "$OUT/suite"
sed 's/ main$/ main contrib non-free non-free-firmware/' "$DEP_INDEX/sources.list" >"$OUT/sources.list"
grep -q ' non-free-firmware$' "$OUT/sources.list" || die "the pinned sources are not written as they were"
pinned=$(cat "$DEP_INDEX/facts/release-date")
DEP_INDEX=$OUT
set --
while IFS= read -r option; do set -- "$@" -o "$option"; done <<END
$(apt_options)
END
apt-get "$@" -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::GzipIndexes=false \
	-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false update >&2
rm -rf "$OUT/lists/partial" "$OUT/lists/lock"
ls "$OUT"/lists/*_non-free_*_Packages >/dev/null 2>&1 || die "the mirror has no non-free component"
sha256sum "$OUT"/lists/*InRelease | cut -d ' ' -f 1 >"$OUT/facts/release-sha256"
grep -h '^Date:' "$OUT"/lists/*InRelease >"$OUT/facts/release-date"
[ "$pinned" = "$(cat "$OUT/facts/release-date")" ] || say "the lists are newer than those of the other images: $pinned"
