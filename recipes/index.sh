# The distribution's package lists of one moment: image, kernel headers and sources are all taken from these, so that
# they fit each other. Parameters: SUITE (trixie), MIRROR (empty: this machine's own Debian mirror).
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

mirror=${MIRROR:-}
if [ -z "$mirror" ]; then
	mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | sort -u | head -n 1)
fi
[ -n "$mirror" ] || die "this machine has no Debian mirror configured; name one: pulumi config set --path machine.mirror URL"
[ -r "$KEYRING" ] || die "$KEYRING is missing; install debian-archive-keyring"

mkdir -p "$OUT/lists/partial" apt-cache/archives/partial
printf '%s\n' "$SUITE" >"$OUT/suite"
for type in deb deb-src; do
	printf '%s [signed-by=%s] %s %s main\n' "$type" "$KEYRING" "$mirror" "$SUITE"
done >"$OUT/sources.list"
DEP_INDEX=$OUT
set --
while IFS= read -r option; do set -- "$@" -o "$option"; done <<EOF
$(apt_options)
EOF
apt-get "$@" -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::GzipIndexes=false \
	-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false update >&2
rm -rf "$OUT/lists/partial" "$OUT/lists/lock"
ls "$OUT"/lists/*_Packages >/dev/null 2>&1 || die "no package list came from the mirror"
sha256sum "$OUT"/lists/*InRelease | cut -d ' ' -f 1 >"$OUT/facts/release-sha256"
grep -h '^Date:' "$OUT"/lists/*InRelease >"$OUT/facts/release-date"
