# The distribution's package lists of one moment: image, kernel headers and sources are all taken from these, so that
# they fit each other. Parameters: SUITE (trixie), MIRROR (empty: this machine's own Debian mirror).
. "$SRC/recipes/lib.sh"
. "$SRC/recipes/index/lists.sh"
mkdir "$OUT/facts"

mirror=${MIRROR:-}
if [ -z "$mirror" ]; then
	mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | sort -u | head -n 1)
fi
[ -n "$mirror" ] || die "this machine has no Debian mirror configured; name one: pulumi config set --path machine.mirror URL"
[ -r "$KEYRING" ] || die "$KEYRING is missing; install debian-archive-keyring"

printf '%s\n' "$SUITE" >"$OUT/suite"
for type in deb deb-src; do
	printf '%s [signed-by=%s] %s %s main\n' "$type" "$KEYRING" "$mirror" "$SUITE"
done >"$OUT/sources.list"
fetch_lists
ls "$OUT"/lists/*_Packages >/dev/null 2>&1 || die "no package list came from the mirror"
record_release
