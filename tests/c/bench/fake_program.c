/*
 * Stands for iperf3, redis-server and redis-benchmark, by the name that it is called by: takes the options that v4v-bench
 * gives them, moves FAKE_BYTES (1000000) a connection from the client to the server, and prints what they print.
 * FAKE=fails: the client complains as iperf3 does and exits with status 1; FAKE=dies: the server exits at its start;
 * FAKE=mute: the client prints no figure.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *address = "127.0.0.1", *path;
static int port, clients = 1;
static bool is_server;

static bool plays(const char *part)
{
	const char *played = getenv("FAKE");

	return played && strcmp(played, part) == 0;
}

static void options(int argc, char **argv, bool redis)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		is_server |= !redis && strcmp(argv[i], "-s") == 0;
		if (strcmp(argv[i], "-B") == 0 || strcmp(argv[i], "--bind") == 0 || strcmp(argv[i], "-h") == 0 ||
		    (!redis && strcmp(argv[i], "-c") == 0))
			address = value;
		else if (strcmp(argv[i], "-p") == 0 || strcmp(argv[i], "--port") == 0)
			port = atoi(value);
		else if (strcmp(argv[i], "--unixsocket") == 0 || (redis && !is_server && strcmp(argv[i], "-s") == 0))
			path = value;
		else if (redis && strcmp(argv[i], "-c") == 0)
			clients = atoi(value);
	}
}

static int new_socket(struct sockaddr_storage *storage, socklen_t *length)
{
	struct sockaddr_in *in = (struct sockaddr_in *)storage;
	struct sockaddr_un *un = (struct sockaddr_un *)storage;
	int on = 1, fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

	memset(storage, 0, sizeof(*storage));
	if (path) {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "%s", path);
		*length = sizeof(*un);
		return fd;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((unsigned short)port);
	inet_pton(AF_INET, address, &in->sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	*length = sizeof(*in);
	return fd;
}

static int serve(void)
{
	struct sockaddr_storage storage;
	socklen_t length;
	int fd = new_socket(&storage, &length);
	static char buffer[1 << 16];

	if (plays("dies")) {
		fprintf(stderr, "the address is somebody else's\n");
		return 1;
	}
	if (bind(fd, (struct sockaddr *)&storage, length) != 0 || listen(fd, 16) != 0) {
		perror("listen");
		return 1;
	}
	for (;;) {
		int accepted = accept4(fd, NULL, NULL, 0);

		while (recv(accepted, buffer, sizeof(buffer), 0) > 0)
			;
		close(accepted);
	}
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	bool redis = strncmp(name, "redis", 5) == 0;
	const char *bytes = getenv("FAKE_BYTES");
	size_t left = bytes ? (size_t)atol(bytes) : 1000000, each;
	struct sockaddr_storage storage;
	socklen_t length;
	static char buffer[10000];

	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return printf("%s 1.2 of \"tests\"\nmore\n", name) < 0;
	is_server = strcmp(name, "redis-server") == 0;
	options(argc, argv, redis);
	if (is_server)
		return serve();
	if (plays("fails")) {
		printf("{\n\t\"title\": 1,\n\t\"error\":\t\"unable to connect\"\n}\n");
		return 1;
	}
	each = left / (size_t)clients;
	for (int i = 0; i < clients; i++) {
		int fd = new_socket(&storage, &length);

		if (connect(fd, (struct sockaddr *)&storage, length) != 0) {
			perror("connect");
			return 1;
		}
		for (size_t sent = 0; sent < each; sent += sizeof(buffer)) {
			if (send(fd, buffer, each - sent < sizeof(buffer) ? each - sent : sizeof(buffer), 0) < 0)
				return 1;
		}
		/* Until the server has it all, as the real ones do. */
		shutdown(fd, SHUT_WR);
		recv(fd, buffer, 1, 0);
	}
	if (plays("mute"))
		return 0;
	if (redis)
		printf("\"test\",\"rps\"\n\"%s\",\"1234.56\",\"0.130\"\n", clients == 16 ? "GET" : "SET");
	else
		printf("{\"end\": {\"sum_sent\": {\"bytes\": 1, \"bits_per_second\": 2},\n\t\"sum_received\":\t{\n"
		       "\t\t\"seconds\":\t1,\n\t\t\"bytes\":\t%zu,\n\t\t\"bits_per_second\":\t8000000.4\n}}}\n", left);
	return 0;
}
