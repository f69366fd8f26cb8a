# What an archive of remote GPU execution holds that a user brings, without the folder at its top. Parameters: ARCHIVE, its
# path, and SHA256. What it should look like has been checked before.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts" unpacked

# Read once: what is unpacked is what was checked.
cp "$ARCHIVE" archive
digest=$(sha256sum <archive | cut -d ' ' -f 1)
[ "$digest" = "$SHA256" ] || die "the SHA-256 of $ARCHIVE is $digest, not $SHA256"
tar -xf archive -C unpacked --no-same-owner --no-same-permissions
set -- unpacked/*
[ $# = 1 ] || die "at the top of $ARCHIVE there is more than one folder"
mv "$1" "$OUT/tree"
echo "$digest" >"$OUT/facts/sha256"
