#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "drive.h"
#include "role.h"
#include "v4v_bench.h"
#include "words.h"

static const char usage[] =
	"usage: v4v-bench drive [--cpu-command CMD] [--step-timeout S] [--gate FILE [--gate-wait S]] PLAN SAMPLES\n"
	"       v4v-bench check PLAN\n"
	"       v4v-bench agent\n"
	"       v4v-bench --help | --version\n";

static const char help[] =
	"\n"
	"Measures round trips (pingpong), one-way streams and connection set-up between domains over TCP, V4V (AF_VSOCK,\n"
	"or TCP under v4vrun), vchan and AF_UNIX; runs iperf3 and redis-benchmark there as they are.\n"
	"\n"
	"  drive   runs PLAN and appends what it measures to SAMPLES (JSON lines); the same command goes on after an\n"
	"          interruption. It starts one agent per domain by the command that the plan names.\n"
	"  check   reads PLAN and reports what is wrong with it.\n"
	"  agent   one end of measurements; started by drive, it reads commands on stdin and ends with it.\n"
	"\n"
	"  --cpu-command CMD   prints a line `domid ns` per domain: their CPU time so far. Called before and after each\n"
	"                      timed window; split at spaces, run without a shell.\n"
	"  --step-timeout S    the longest that a step may take (default: its budget and 30 s, at most 60 s).\n"
	"  --gate FILE         says how far the plan runs for now and which steps it leaves out (format: gate.h); read at the\n"
	"                      start and whenever that far has been measured.\n"
	"  --gate-wait S       how long to wait there for FILE to say more (default: 120 s); then it ends with status 1.\n"
	"\n"
	"Exit status: 0 every step ran (failed samples say so in SAMPLES), 1 could not go on, 2 wrong plan or usage.\n";

static int misused(const char *what, const char *word)
{
	fprintf(stderr, "v4v-bench: %s%s\n%s", what, word, usage);
	return EXIT_BAD_PLAN;
}

static bool known_option(const char *name)
{
	return strcmp(name, "--cpu-command") == 0 || strcmp(name, "--step-timeout") == 0 ||
	       strcmp(name, "--gate") == 0 || strcmp(name, "--gate-wait") == 0;
}

/* Whole seconds of an option, as ms. */
static bool seconds_option(const char *name, const char *value, uint32_t *ms, int *code)
{
	char text[80];
	uint64_t seconds;

	if (!number_parse(value, 1, 7200, &seconds)) {
		snprintf(text, sizeof(text), "%s must be 1 to 7200 whole seconds, not ", name);
		*code = misused(text, value);
		return false;
	}
	*ms = (uint32_t)seconds * 1000;
	return true;
}

/* False sets the exit code. */
static bool take_option(struct drive_options *options, const char *name, const char *value, int *code)
{
	if (strcmp(name, "--step-timeout") == 0)
		return seconds_option(name, value, &options->step_timeout_ms, code);
	if (strcmp(name, "--gate-wait") == 0)
		return seconds_option(name, value, &options->gate_wait_ms, code);
	if (!value[strspn(value, " ")]) {
		*code = misused(name, " is empty");
		return false;
	}
	if (strcmp(name, "--gate") == 0)
		options->gate_path = value;
	else
		options->cpu_command = value;
	return true;
}

static int drive_command(int argc, char **argv)
{
	struct drive_options options = {.gate_wait_ms = 120000};
	int i = 0, code = EXIT_BAD_PLAN;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (!known_option(argv[i]))
			return misused("unknown option ", argv[i]);
		if (i + 1 == argc)
			return misused("no value for ", argv[i]);
		i++;
		if (!take_option(&options, argv[i - 1], argv[i], &code))
			return code;
	}
	if (argc - i != 2)
		return misused("drive needs PLAN and SAMPLES", "");
	options.plan_path = argv[i];
	options.samples_path = argv[i + 1];
	return drive_main(&options);
}

/* Pipes and files must not land on the numbers of stdin, stdout and stderr. */
static void open_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	open_standard_descriptors();
	if (argc < 2)
		return misused("no command", "");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		printf("%s%s", usage, help);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("v4v-bench %s\n", V4V_BENCH_VERSION);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "drive") == 0)
		return drive_command(argc - 2, argv + 2);
	if (strcmp(argv[1], "check") == 0)
		return argc == 3 ? check_main(argv[2]) : misused("check needs one PLAN", "");
	if (strcmp(argv[1], "agent") == 0) {
		if (argc != 2)
			return misused("agent takes no arguments", "");
		signal(SIGPIPE, SIG_IGN);
		return agent_main();
	}
	if (strcmp(argv[1], "role") == 0) {
		signal(SIGPIPE, SIG_IGN);
		return role_resume(argc - 2, argv + 2);
	}
	return misused("unknown command ", argv[1]);
}
