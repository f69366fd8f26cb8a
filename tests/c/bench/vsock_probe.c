/* vsock_probe: 0 if an AF_VSOCK connection to this machine itself works within a second, else 1 and the reason. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/vm_sockets.h>

static int without(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

int main(void)
{
	struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = VMADDR_PORT_ANY};
	socklen_t length = sizeof(address);
	struct timeval second = {.tv_sec = 1};
	int listener = socket(AF_VSOCK, SOCK_STREAM, 0);
	int client = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (listener < 0 || client < 0)
		return without("socket(AF_VSOCK)");
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 1) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) != 0)
		return without("listening on AF_VSOCK");
	address.svm_cid = VMADDR_CID_LOCAL;
	setsockopt(client, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &second, sizeof(second));
	if (connect(client, (struct sockaddr *)&address, sizeof(address)) != 0)
		return without("connecting to context id 1 (vsock_loopback)");
	return 0;
}
