/* What programs print, as program.c reads it; children, as child.c runs them. */
#include <string.h>

#include "check.h"
#include "child.h"
#include "clock.h"
#include "program.h"

bool check_failed;

/* Cut from what iperf3 3.18 and redis-benchmark 8.0.2 print. */
#define IPERF                                                                                                         \
	"{\n\t\"end\":\t{\n\t\t\"sum_sent\":\t{\n\t\t\t\"bytes\":\t2761703424,\n\t\t\t\"bits_per_second\":\t22089630034.5\n"   \
	"\t\t},\n\t\t\"sum_received\":\t{\n\t\t\t\"start\":\t0,\n\t\t\t\"end\":\t1.00118,\n\t\t\t\"seconds\":\t1.00118,\n"     \
	"\t\t\t\"bytes\":\t2761687040,\n\t\t\t\"bits_per_second\":\t22067456721.069138,\n\t\t\t\"sender\":\ttrue\n\t\t}\n\t}\n}\n"
#define REDIS                                                                                                         \
	"\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\"\n\"GET\",\"76045.62\",\"0.130\",\"0.016\"\n"

static void figures_are_read(void)
{
	uint64_t figure, payload;
	struct error error;

	CHECK(program_figure(KIND_IPERF3, IPERF, 0, 131072, &figure, &payload, &error));
	CHECK(figure == 2758432 && payload == 2761687040);
	CHECK(program_figure(KIND_REDIS_GET, REDIS, 20000, 3, &figure, &payload, &error));
	CHECK(figure == 76045620 && payload == 60000);
}

static void refuses(enum kind kind, const char *output, const char *reason)
{
	uint64_t figure, payload;
	struct error error = {.text = ""};

	CHECK(!program_figure(kind, output, 1, 1, &figure, &payload, &error));
	CHECK_HOLDS(error.text, reason);
}

static void what_is_no_figure_is_refused(void)
{
	refuses(KIND_IPERF3, "", "iperf3: it said nothing");
	refuses(KIND_IPERF3, "{\n\t\"error\":\t\"unable to connect\"\n}\n", "\"unable to connect\"");
	refuses(KIND_IPERF3, "{\"sum_received\": {\"bytes\": 0, \"bits_per_second\": 0}}", "iperf3: ");
	refuses(KIND_IPERF3, "{\"sum_received\": {\"bytes\": 1e99, \"bits_per_second\": 8}}", "iperf3: ");
	refuses(KIND_IPERF3, "{\"sum_received\": {\"bytes\": 5}}", "iperf3: ");
	refuses(KIND_REDIS_GET, "\"test\",\"rps\"\n\"GET\",\"inf\",\"0.1\"\n", "redis-benchmark: ");
	refuses(KIND_REDIS_GET, "\"test\",\"rps\"\n\"SET\",\"5\",\"0.1\"\n", "redis-benchmark: ");
	refuses(KIND_REDIS_GET, "Could not connect to Redis at 10.0.0.1:5: Connection refused\n", "Connection refused");
}

static void children_are_run_to_their_end(void)
{
	char output[64];
	struct error error;

	CHECK(child_run("echo one  two", deadline_in_ms(5000), output, sizeof(output), &error));
	CHECK(strcmp(output, "one two\n") == 0);
	CHECK(child_run("seq 100000", deadline_in_ms(5000), output, sizeof(output), &error));
	CHECK(strlen(output) == sizeof(output) - 1);
	CHECK(!child_run("false", deadline_in_ms(5000), output, sizeof(output), &error));
	CHECK_HOLDS(error.text, "false: it said nothing");
	CHECK(!child_run("no-such-program here", deadline_in_ms(5000), output, sizeof(output), &error));
	CHECK_HOLDS(error.text, "no-such-program here: no-such-program: No such file");
	CHECK(!child_run("sleep 60", deadline_in_ms(50), output, sizeof(output), &error));
	CHECK_HOLDS(error.text, "sleep 60: not done in time");
}

int main(void)
{
	int failed = RUN(figures_are_read) + RUN(what_is_no_figure_is_refused) + RUN(children_are_run_to_their_end);

	return failed != 0;
}
