# Sourced by the recipes of package lists.

# fetch_lists: those of the sources in $OUT/sources.list, verified by the keyring that is named there.
fetch_lists() {
	mkdir -p "$OUT/lists/partial" apt-cache/archives/partial
	DEP_INDEX=$OUT
	set --
	while IFS= read -r option; do set -- "$@" -o "$option"; done <<-EOF
		$(apt_options)
	EOF
	apt-get "$@" -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::GzipIndexes=false \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false update >&2
	rm -rf "$OUT/lists/partial" "$OUT/lists/lock"
}

# record_release: of which moment they are. Apart from the fetching, as apt-get update also succeeds where nothing came: a recipe
# looks for what it needs first.
record_release() {
	sha256sum "$OUT"/lists/*InRelease | cut -d ' ' -f 1 >"$OUT/facts/release-sha256"
	grep -h '^Date:' "$OUT"/lists/*InRelease >"$OUT/facts/release-date"
}
