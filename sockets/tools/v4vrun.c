/* v4vrun: runs a program whose TCP sockets use V4V where they can. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "explain.h"
#include "library_path.h"
#include "policy.h"
#include "report.h"

static const char help[] =
	"usage: v4vrun [OPTION...] PROGRAM [ARGUMENT...]\n"
	"Runs PROGRAM; its TCP connections with other domains of this host go by V4V if the other end asks for it, too,\n"
	"and by TCP otherwise. The program sees no difference but speed.\n"
	"  --mode auto|require|off  require: connect() fails if the address is no domain's here or the module is absent\n"
	"  --include LIST           only these: ADDRESS[/PREFIX][:PORT[-PORT]], :PORT, separated by commas\n"
	"  --exclude LIST           not these\n"
	"  --explain                at the end, say on stderr which way each connection went, and why\n"
	"  --help\n"
	"The same from the environment (V4V_MODE, V4V_INCLUDE, V4V_EXCLUDE) or a file (V4V_CONFIG, else " POLICY_FILE "):\n"
	"lines mode = ..., include = ..., exclude = ...\n";

__attribute__((format(printf, 1, 2))) static int fail(const char *sentence, ...)
{
	va_list arguments;

	va_start(arguments, sentence);
	fprintf(stderr, "v4vrun: ");
	vfprintf(stderr, sentence, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	return 125;
}

static bool preload(const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char *all;

	if (!others || !*others)
		return setenv("LD_PRELOAD", library, 1) == 0;
	if (strstr(others, LIBRARY))
		return true;
	return asprintf(&all, "%s:%s", library, others) > 0 && setenv("LD_PRELOAD", all, 1) == 0;
}

/* Options become environment, which children of the program have, too. Returns the index of the program. */
static int options(int argc, char **argv, bool *explaining)
{
	static const struct {
		const char *option, *variable;
	} with_value[] = {{"--mode", "V4V_MODE"}, {"--include", "V4V_INCLUDE"}, {"--exclude", "V4V_EXCLUDE"}};
	int at = 1;

	for (; at < argc && argv[at][0] == '-'; at++) {
		const char *value = NULL, *variable = NULL;

		if (strcmp(argv[at], "--") == 0)
			return at + 1;
		if (strcmp(argv[at], "--explain") == 0) {
			*explaining = true;
			continue;
		}
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
			fputs(help, stdout);
			exit(0);
		}
		for (size_t i = 0; i < sizeof(with_value) / sizeof(with_value[0]) && !variable; i++) {
			size_t length = strlen(with_value[i].option);

			if (strncmp(argv[at], with_value[i].option, length) != 0)
				continue;
			if (argv[at][length] == '=')
				value = argv[at] + length + 1;
			else if (!argv[at][length] && at + 1 < argc)
				value = argv[++at];
			else
				continue;
			variable = with_value[i].variable;
		}
		if (!variable || setenv(variable, value, 1) != 0) {
			fprintf(stderr, "v4vrun: unknown or incomplete option %s; see v4vrun --help\n", argv[at]);
			exit(125);
		}
	}
	return at;
}

/* A program without a loader cannot be given a library. */
static bool is_static(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr header;
	bool loader = true;

	if (fd < 0)
		return false;
	if (read(fd, &header, sizeof(header)) == sizeof(header) && memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	    header.e_ident[EI_CLASS] == ELFCLASS64) {
		loader = false;
		for (unsigned int i = 0; i < header.e_phnum && !loader; i++) {
			Elf64_Phdr part;

			if (pread(fd, &part, sizeof(part), (off_t)(header.e_phoff + i * header.e_phentsize)) !=
			    sizeof(part))
				loader = true;
			else
				loader = part.p_type == PT_INTERP;
		}
	}
	close(fd);
	return !loader;
}

static void warn_if_static(const char *program)
{
	const char *path = getenv("PATH"), *end;
	char full[4096];

	if (strchr(program, '/')) {
		if (is_static(program))
			fail("%s is statically linked: nothing can be preloaded; TCP unless `v4vctl cgroups` has it", program);
		return;
	}
	for (; path && *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, ':');
		if ((size_t)snprintf(full, sizeof(full), "%.*s/%s", (int)(end - path), path, program) >= sizeof(full) ||
		    access(full, X_OK) != 0)
			continue;
		if (is_static(full))
			fail("%s is statically linked: nothing can be preloaded; TCP unless `v4vctl cgroups` has it", full);
		return;
	}
}

/* Returns only if there is no such program: the exit code that shells have for it. */
static int become(char **argv)
{
	int why;

	execvp(argv[0], argv);
	why = errno;
	fprintf(stderr, "v4vrun: %s: %s\n", argv[0], strerror(why));
	return why == ENOENT ? 127 : 126;
}

static pid_t child;

static void pass_on(int number)
{
	kill(child, number);
}

/* Runs the program as a child, and says at its end which way its connections went. */
static int run_and_explain(char **argv)
{
	static const int passed[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
	char notes[] = "/tmp/v4vrun.XXXXXX";
	int fd = mkostemp(notes, O_CLOEXEC), status;

	if (fd < 0 || setenv(EXPLAIN_VARIABLE, notes, 1) != 0)
		return fail("%s: notes cannot be taken there", notes);
	close(fd);
	warn_if_static(argv[0]);
	child = fork();
	if (child < 0)
		return fail("%s: no process for it", argv[0]);
	if (child == 0)
		_exit(become(argv));
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		sigaction(passed[i], &(struct sigaction){.sa_handler = pass_on, .sa_flags = SA_RESTART}, NULL);
	/* A terminal sends these to the program as well. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	report(notes, stderr);
	unlink(notes);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	char library[8192], error[256];
	struct policy policy;
	bool explaining = false;
	int at = options(argc, argv, &explaining);

	if (at >= argc) {
		fputs(help, stderr);
		return 125;
	}
	if (!policy_load(&policy, error, sizeof(error)))
		return fail("%s", error);
	if (!library_path(library, sizeof(library)))
		return fail("%s was not found beside this program; is it installed?", LIBRARY);
	if (!preload(library))
		return fail("%s: no memory", library);
	if (explaining)
		return run_and_explain(argv + at);
	return become(argv + at);
}
