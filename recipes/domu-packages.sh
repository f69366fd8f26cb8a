# The project's own packages in the domUs' image: what `dpkg -i` of v4v-sockets adds to it, and its list of packages after
# that. A layer of its own because the image is a disk that running domUs share: an edit of the library would be another
# image to send and a restart of all domUs. It lies over the disk from the first process on (dom0/initrd-init).
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts" root

tar -xf "$DEP_IMAGE/dpkg.tar" -C root --no-same-owner
cp "$DEP_SOCKETS"/packages/v4v-sockets_*.deb v4v-sockets.deb
# Of the image's release. No script is run: what the package does at its first installation is to put files in place.
in_root "$DEP_BUILDROOT/root" --uid 0 --gid 0 dpkg --root=/build/root --log=/dev/null --force-unsafe-io --install v4v-sockets.deb >&2
[ "$(dpkg-query --admindir=root/var/lib/dpkg -W -f '${db:Status-Abbrev}' v4v-sockets)" = "ii " ] || die "v4v-sockets was not installed"

mkdir -p "$OUT/root/var/lib/dpkg/info"
cp -a root/usr "$OUT/root/"
cp root/var/lib/dpkg/status "$OUT/root/var/lib/dpkg/"
cp root/var/lib/dpkg/info/v4v-sockets.* "$OUT/root/var/lib/dpkg/info/"
(cd "$OUT/root" && find . -type f | LC_ALL=C sort | xargs sha256sum) >"$OUT/facts/sha256sums"
