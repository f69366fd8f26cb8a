/* Lines of ss, as iproute2 prints them. */
#include <string.h>

#include "check.h"
#include "connections.h"

bool check_failed;

/* A packet was sent twice. */
static const char moved[] = "ESTAB 0      0         10.83.0.11:40731 10.83.0.10:11008 tcp-ulp-v4v cubic wscale:7,7 rto:204 "
			    "rtt:0.3/0.2 mss:1448 cwnd:10 bytes_sent:78 bytes_retrans:26 bytes_acked:53 bytes_received:48 segs_out:5 send 3Mbps\n";

/* What was sent twice is payload once, and the SYN that was acknowledged is none. */
static void own_line(void)
{
	struct tcp_bytes bytes;
	char line[512];

	strcpy(line, moved);
	CHECK(ss_line(line, "10.83.0.11:40731", "10.83.0.10:11008", &bytes));
	CHECK(bytes.sent == 52 && bytes.received == 48);
}

static void other_lines(void)
{
	static const char *const ends[][2] = {
		{"10.83.0.11:4073", "10.83.0.10:11008"},
		{"10.83.0.11:40731", "10.83.0.10:1100"},
		{"10.83.0.10:11008", "10.83.0.11:40731"},
	};
	struct tcp_bytes bytes;
	char line[512];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		strcpy(line, moved);
		CHECK(!ss_line(line, ends[i][0], ends[i][1], &bytes));
	}
	strcpy(line, "ESTAB 0 0 10.83.0.11:40731\n");
	CHECK(!ss_line(line, "10.83.0.11:40731", "10.83.0.10:11008", &bytes));
}

/* ss leaves counters out that are zero. */
static void nothing_yet(void)
{
	struct tcp_bytes bytes = {7, 7};
	char line[] = "ESTAB 0 0 1.2.3.4:5 6.7.8.9:10 cubic bytes_sent:99 bytes_retrans:99 bytes_acked:1 segs_out:2\n";

	CHECK(ss_line(line, "1.2.3.4:5", "6.7.8.9:10", &bytes));
	CHECK(bytes.sent == 0 && bytes.received == 0);
}

/* Lines from /proc/net/tcp, of the kernel that has no tcp_diag: the ends are there, and no counter is. */
static void without_counters(void)
{
	static const char *const lines[] = {
		"ESTAB 3 0 1.2.3.4:5 6.7.8.9:10 rto:0.2 ato:0.04 qack:15 bidir cwnd:10 reordering:0\n",
		"ESTAB 0 0 1.2.3.4:5 6.7.8.9:10\n",
	};
	struct tcp_bytes bytes;
	char line[512];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		strcpy(line, lines[i]);
		CHECK(!ss_line(line, "1.2.3.4:5", "6.7.8.9:10", &bytes));
	}
}

int main(void)
{
	return RUN(own_line) + RUN(other_lines) + RUN(nothing_yet) + RUN(without_counters) > 0;
}
