# The domUs' shared root file system: a Debian tree that is mounted read-only under a RAM overlay. It holds no kernel
# modules (the boot archive brings those of dom0's kernel) and nothing of a stack or a domain.
. "$SRC/recipes/lib.sh"
. "$SRC/recipes/domu-image/pack.sh"
mkdir "$OUT/facts"

cp "$SRC"/recipes/domu-image/* .
# Unmodified programs that are measured and tested over V4V, and libxenvchan (in libxenmisc) for `vchan`: what is not run
# costs a domU no memory.
programs="iperf3,redis-server,redis-tools,python3,curl,lighttpd,netcat-openbsd,openssh-client,libxenmisc4.20"
bootstrap "busybox-static,openssh-server,iproute2,kmod,procps,socat,ca-certificates,$programs" root.tar \
	--customize-hook='sh -eu customize.sh "$1"'

pack_root domu-root
