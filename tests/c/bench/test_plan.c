/* The plan parser: what it accepts, and how it names each thing that it refuses. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "payload.h"
#include "plan.h"

bool check_failed;

#define HEAD "v4v-bench-plan 1\n"
#define DOMAIN "domain name=a domid=1 addr=10.0.0.1 cid=3 agent=agent\n"
#define DOMAIN_B "domain name=b domid=2 addr=10.0.0.2 cid=4 agent=agent\n"
#define STEP_OF(id, rest) "step id=" id " experiment=e kind=pingpong transport=tcp " rest "\n"
#define STEP STEP_OF("1", "size=1 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b")

static bool parse(struct plan *plan, const char *text, size_t length, struct error *error)
{
	/* An exact copy: the sanitizer sees a read past its end. */
	char *copy = malloc(length + 1);
	bool ok;

	error->text[0] = '\0';
	memcpy(copy, text, length);
	copy = realloc(copy, length ? length : 1);
	ok = plan_parse(plan, "file", copy, length, error);
	free(copy);
	return ok;
}

static void accepts(const char *text)
{
	struct plan plan;
	struct error error;

	if (!parse(&plan, text, strlen(text), &error)) {
		printf("# refused: %s\n", error.text);
		check_failed = true;
		return;
	}
	plan_free(&plan);
}

static void refuses_bytes(const char *text, size_t length, const char *reason)
{
	struct plan plan;
	struct error error;

	CHECK(!parse(&plan, text, length, &error));
	CHECK_HOLDS(error.text, reason);
	CHECK(plan.domain_count == 0 && plan.step_count == 0 && !plan.steps && !plan.pairs);
	plan_free(&plan);
}

static void refuses(const char *text, const char *reason)
{
	refuses_bytes(text, strlen(text), reason);
}

static void plan_valid(void)
{
	static const char text[] =
		"# a comment first\n\n" HEAD
		"domain name=domu1 domid=1 addr=10.83.0.11 cid=3 agent=ssh -F /etc/v4v/ssh_config domu1 v4v-bench agent\n"
		"domain addr=10.83.0.12 cid=4294967294 name=dom.u-2_ domid=32751 agent=x=y\n"
		"# pairs in both directions\n"
		"step id=17 experiment=latency kind=pingpong transport=tcp size=64 warmup=20 count=200 budget_ms=1500 "
		"repetition=3 pairs=domu1:dom.u-2_,dom.u-2_:domu1/16777216\n"
		"step pairs=domu1:domu1 repetition=1000000 budget_ms=3600000 count=0 warmup=1000000 size=16777216 "
		"transport=unix kind=stream experiment=s id=4294967295";
	struct plan plan;
	struct error error;

	CHECK(parse(&plan, text, strlen(text), &error));
	CHECK(plan.domain_count == 2 && plan.step_count == 2 && plan.pair_count == 3);
	CHECK(plan.hash == fnv1a64(FNV1A64_START, text, strlen(text)));
	CHECK(strcmp(plan.domains[0].name, "domu1") == 0 && plan.domains[0].domid == 1 && plan.domains[0].cid == 3);
	CHECK(strcmp(plan.domains[0].addr, "10.83.0.11") == 0);
	CHECK(strcmp(plan.domains[0].agent[0], "ssh") == 0 && strcmp(plan.domains[0].agent[2], "/etc/v4v/ssh_config") == 0);
	CHECK(strcmp(plan.domains[0].agent[5], "agent") == 0 && !plan.domains[0].agent[6]);
	CHECK(plan.domains[1].domid == 32751 && plan.domains[1].cid == 4294967294u);
	CHECK(strcmp(plan.domains[1].agent[0], "x=y") == 0);
	CHECK(plan.steps[0].id == 17 && plan.steps[0].kind == KIND_PINGPONG && plan.steps[0].transport == TRANSPORT_TCP);
	CHECK(strcmp(plan.steps[0].experiment, "latency") == 0);
	CHECK(plan.steps[0].size == 64 && plan.steps[0].warmup == 20 && plan.steps[0].count == 200);
	CHECK(plan.steps[0].budget_ms == 1500 && plan.steps[0].repetition == 3);
	CHECK(plan.steps[0].first_pair == 0 && plan.steps[0].pair_count == 2);
	CHECK(plan.pairs[0].client == 0 && plan.pairs[0].server == 1);
	CHECK(plan.pairs[1].client == 1 && plan.pairs[1].server == 0);
	CHECK(plan.pairs[0].size == 64 && plan.pairs[1].size == 16777216 && plan.pairs[2].size == 16777216);
	CHECK(plan.steps[1].id == 4294967295u && plan.steps[1].kind == KIND_STREAM);
	CHECK(plan.steps[1].transport == TRANSPORT_UNIX && plan.steps[1].count == 0);
	CHECK(plan.steps[1].first_pair == 2 && plan.steps[1].pair_count == 1);
	plan_free(&plan);
}

static void plan_pair_sizes(void)
{
#define STEP_WITH(pairs) STEP_OF("1", "size=1 warmup=0 count=1 budget_ms=1 repetition=0 pairs=" pairs)
	accepts(HEAD DOMAIN DOMAIN_B STEP_WITH("a:b/1,b:a"));
	refuses(HEAD DOMAIN DOMAIN_B STEP_WITH("a:b/0"), "size=0 is not a whole number");
	refuses(HEAD DOMAIN DOMAIN_B STEP_WITH("a:b/16777217"), "size=16777217 is not a whole number");
	refuses(HEAD DOMAIN DOMAIN_B STEP_WITH("a:b/"), "is not a whole number");
	refuses(HEAD DOMAIN DOMAIN_B STEP_WITH("a:b/1/2"), "is not a whole number");
	refuses(HEAD DOMAIN DOMAIN_B STEP_WITH("a/1:b"), "is not a whole number");
	refuses(HEAD DOMAIN DOMAIN_B STEP_WITH("a/1"), "is not client:server");
#undef STEP_WITH
}

static void plan_names_file_line_and_word(void)
{
	refuses(HEAD DOMAIN "stop id=1\n", "file:3: unknown keyword \"stop\"");
	refuses(HEAD DOMAIN "step id=1 colour=red\n", "file:3: unknown key \"colour\"");
	refuses("# c\n\n" HEAD "domain name=a b\n", "file:4: \"b\" is not key=value");
}

static void plan_header(void)
{
	refuses("", "file:0: the plan is empty");
	refuses("# only a comment\n", "the plan is empty");
	refuses(DOMAIN, "file:1: \"domain name=a");
	refuses("v4v-bench-plan 2\n", "the first line must be");
	refuses("v4v-bench-plan 1 \n", "the first line must be");
	refuses(HEAD HEAD, "file:2: unknown keyword \"v4v-bench-plan\"");
	refuses(HEAD DOMAIN, "the plan has no step line");
}

static void plan_words(void)
{
	refuses(HEAD "domain\n", "key \"name\" is missing");
	refuses(HEAD "domain \n", "an empty word");
	refuses(HEAD " domain name=a\n", "unknown keyword \"\"");
	refuses(HEAD "domain name=a  domid=1 addr=10.0.0.1 cid=3 agent=x\n", "an empty word");
	refuses(HEAD "domain name=a domid=1 addr=10.0.0.1 cid=3\n", "key \"agent\" is missing");
	refuses(HEAD "domain name=a domid=1 addr=10.0.0.1 cid=3 agent=\n", "key \"agent\" has no value");
	refuses(HEAD "domain name= domid=1\n", "key \"name\" has no value");
	refuses(HEAD "domain name=a name=b\n", "key \"name\" is given twice");
	refuses(HEAD "domain =a\n", "\"=a\" is not key=value");
	refuses(HEAD "domain name=a domid=1 addr=10.0.0.1 cid=3 agent=a  b\n", "separated by single spaces");
	refuses(HEAD "domain name=a domid=1 addr=10.0.0.1 cid=3 agent=a \n", "separated by single spaces");
	refuses(HEAD DOMAIN DOMAIN_B "step id=1 experiment=e kind=pingpong transport=tcp size=1 warmup=0 count=1 "
		"budget_ms=1 repetition=0 pairs=a:b \n", "an empty word");
	refuses(HEAD DOMAIN DOMAIN_B STEP_OF("1", "size=1 warmup=0 count=1 budget_ms=1 repetition=0"),
		"key \"pairs\" is missing");
}

static void plan_values(void)
{
	refuses(HEAD "domain name=a/b domid=1 addr=10.0.0.1 cid=3 agent=x\n", "name=a/b is not a name");
	refuses(HEAD "domain name=abcdefghijklmnopqrstuvwxyz0123456 domid=1 addr=10.0.0.1 cid=3 agent=x\n", "is not a name");
	refuses(HEAD "domain name=a domid=1 addr=10.0.0 cid=3 agent=x\n", "addr=10.0.0 is not an IPv4 address");
	refuses(HEAD "domain name=a domid=1 addr=::1 cid=3 agent=x\n", "addr=::1 is not an IPv4 address");
	refuses(HEAD DOMAIN DOMAIN, "name=a is defined twice");
	refuses(HEAD DOMAIN "step id=1 experiment=e kind=ring transport=tcp size=1 warmup=0 count=1 budget_ms=1 "
		"repetition=0 pairs=a:a\n", "kind=ring is none of pingpong, stream, connect, iperf3, redis-get, memcpy");
	refuses(HEAD DOMAIN "step id=1 experiment=e kind=iperf3 transport=unix size=1 warmup=0 count=0 budget_ms=1 "
		"repetition=0 pairs=a:a\n", "kind=iperf3 does not go with transport=unix");
	refuses(HEAD DOMAIN "step id=1 experiment=e kind=redis-get transport=v4v size=1 warmup=0 count=1 budget_ms=1 "
		"repetition=0 pairs=a:a\n", "kind=redis-get does not go with transport=v4v");
	refuses(HEAD DOMAIN "step id=1 experiment=e kind=redis-get transport=unix size=1 warmup=0 count=0 budget_ms=1 "
		"repetition=0 pairs=a:a\n", "kind=redis-get needs a count");
	refuses(HEAD DOMAIN "step id=1 experiment=e kind=connect transport=unix size=2 warmup=0 count=1 budget_ms=1 "
		"repetition=0 pairs=a:a\n", "kind=connect goes with size=1");
	refuses(HEAD DOMAIN "step id=1 experiment=e kind=connect transport=unix size=1 warmup=0 count=0 budget_ms=1 "
		"repetition=0 pairs=a:a\n", "count=0 is not a whole number from 1 to");
	refuses(HEAD DOMAIN "step id=1 experiment=e kind=stream transport=udp size=1 warmup=0 count=1 budget_ms=1 "
		"repetition=0 pairs=a:a\n", "transport=udp is none of");
	refuses(HEAD DOMAIN "step id=1 experiment=e,f kind=stream transport=tcp size=1 warmup=0 count=1 budget_ms=1 "
		"repetition=0 pairs=a:a\n", "experiment=e,f is not a name");
	refuses(HEAD DOMAIN DOMAIN_B STEP STEP_OF("2", "size=1 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b") STEP,
		"file:6: id=1 is also the id of line 4");
}

static void plan_numbers(void)
{
	static const struct {
		const char *step, *reason;
	} rows[] = {
		{"size=0 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b", "size=0 is not a whole number from 1 to 16777216"},
		{"size=16777217 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b", "size=16777217 is not"},
		{"size=-1 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b", "size=-1 is not"},
		{"size=+1 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b", "size=+1 is not"},
		{"size=1.0 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b", "size=1.0 is not"},
		{"size=0x10 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b", "size=0x10 is not"},
		{"size=1k warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b", "size=1k is not"},
		{"size=4294967297 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b", "size=4294967297 is not"},
		{"size=18446744073709551617 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b", "size=18446744073709551617 is"},
		{"size=1 warmup=1000001 count=1 budget_ms=1 repetition=0 pairs=a:b", "warmup=1000001 is not"},
		{"size=1 warmup=0 count=0 budget_ms=1 repetition=0 pairs=a:b", "count=0 is not a whole number from 1"},
		{"size=1 warmup=0 count=1000001 budget_ms=1 repetition=0 pairs=a:b", "count=1000001 is not"},
		{"size=1 warmup=0 count=1 budget_ms=0 repetition=0 pairs=a:b", "budget_ms=0 is not"},
		{"size=1 warmup=0 count=1 budget_ms=3600001 repetition=0 pairs=a:b", "budget_ms=3600001 is not"},
		{"size=1 warmup=0 count=1 budget_ms=1 repetition=1000001 pairs=a:b", "repetition=1000001 is not"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), HEAD DOMAIN DOMAIN_B STEP_OF("1", "%s"), rows[i].step);
		refuses(text, rows[i].reason);
	}
	refuses(HEAD DOMAIN DOMAIN_B STEP_OF("4294967296", "size=1 warmup=0 count=1 budget_ms=1 repetition=0 pairs=a:b"),
		"id=4294967296 is not");
	refuses(HEAD "domain name=a domid=32752 addr=10.0.0.1 cid=3 agent=x\n", "domid=32752 is not");
	refuses(HEAD "domain name=a domid=1 addr=10.0.0.1 cid=4294967295 agent=x\n", "cid=4294967295 is not");
}

static void plan_pairs(void)
{
	static const char *const rest = "size=1 warmup=0 count=1 budget_ms=1 repetition=0 pairs=";
	static const struct {
		const char *pairs, *reason;
	} rows[] = {
		{"a", "\"a\" is not client:server"},   {"a:", "no domain line above defines \"\""},
		{":b", "no domain line above defines \"\""}, {"a:c", "defines \"c\""},
		{"c:a", "defines \"c\""},	       {"a:b,", "\"\" is not client:server"},
		{",a:b", "\"\" is not client:server"}, {"a:b:a", "defines \"b:a\""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), HEAD DOMAIN DOMAIN_B STEP_OF("1", "%s%s"), rest, rows[i].pairs);
		refuses(text, rows[i].reason);
	}
	refuses(HEAD DOMAIN STEP DOMAIN_B, "file:3: pairs: no domain line above defines \"b\"");
	refuses(HEAD DOMAIN DOMAIN_B "step id=1 experiment=e kind=stream transport=unix size=1 warmup=0 count=0 "
		"budget_ms=1 repetition=0 pairs=a:b\n", "transport=unix needs one");
	refuses(HEAD DOMAIN DOMAIN_B "step id=1 experiment=e kind=memcpy transport=native size=1 warmup=0 count=0 "
		"budget_ms=1 repetition=0 pairs=a:b\n", "transport=native needs one");
	refuses(HEAD DOMAIN "step id=1 experiment=e kind=stream transport=native size=1 warmup=0 count=0 "
		"budget_ms=1 repetition=0 pairs=a:a\n", "kind=stream does not go with transport=native");
	refuses(HEAD DOMAIN DOMAIN_B "step id=1 experiment=e kind=connect transport=vchan size=1 warmup=0 count=1 "
		"budget_ms=1 repetition=0 pairs=a:b\n", "kind=connect does not go with transport=vchan");
	refuses(HEAD DOMAIN DOMAIN_B "step id=1 experiment=e kind=iperf3 transport=vchan size=1 warmup=0 count=0 "
		"budget_ms=1 repetition=0 pairs=a:b\n", "kind=iperf3 does not go with transport=vchan");
	accepts(HEAD DOMAIN DOMAIN_B "step id=1 experiment=e kind=stream transport=vchan size=1 warmup=0 count=0 "
		"budget_ms=1 repetition=0 pairs=a:b\n");
	refuses(HEAD DOMAIN DOMAIN_B "step id=1 experiment=e kind=stream transport=tcp-v4vrun size=1 warmup=0 count=0 "
		"budget_ms=1 repetition=0 pairs=a:b\n", "kind=stream does not go with transport=tcp-v4vrun");
	accepts(HEAD DOMAIN DOMAIN_B "step id=1 experiment=e kind=pingpong transport=tcp-v4vrun size=1 warmup=0 count=1 "
		"budget_ms=1 repetition=0 pairs=a:b\n");
	refuses(HEAD DOMAIN "step id=1 experiment=e kind=memcpy transport=tcp size=1 warmup=0 count=0 "
		"budget_ms=1 repetition=0 pairs=a:a\n", "kind=memcpy does not go with transport=tcp");
	accepts(HEAD DOMAIN "step id=1 experiment=e kind=memcpy transport=native size=1 warmup=0 count=0 "
		"budget_ms=1 repetition=0 pairs=a:a\n");
	accepts(HEAD DOMAIN DOMAIN_B "step id=1 experiment=e kind=stream transport=v4v size=1 warmup=0 count=0 "
		"budget_ms=1 repetition=0 pairs=a:a,a:b,b:a,a:b\n");
}

static void plan_bytes(void)
{
	refuses(HEAD DOMAIN "\tstep\n", "byte 1 of the line is a control character (0x09)");
	refuses("v4v-bench-plan 1\r\n", "byte 17 of the line is a control character (0x0d)");
	refuses(HEAD "# \x7f\n", "control character (0x7f)");
	refuses(HEAD "# \xff\n", "byte 3 of the line is not UTF-8");
	refuses(HEAD "# \xc0\xaf\n", "is not UTF-8");
	refuses(HEAD "# \xed\xa0\x80\n", "is not UTF-8");
	refuses(HEAD "# \xe2\x82", "is not UTF-8");
	refuses_bytes(HEAD "# \0\n", strlen(HEAD) + 4, "control character (0x00)");
	accepts(HEAD "# \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x8c\n" DOMAIN DOMAIN_B STEP);
	accepts(HEAD "domain name=b domid=2 addr=10.0.0.2 cid=4 agent=/opt/\xc3\xa9/agent\n" DOMAIN STEP);
}

static void plan_line_length(void)
{
	char text[4096];
	size_t head = strlen(HEAD DOMAIN DOMAIN_B STEP);

	memcpy(text, HEAD DOMAIN DOMAIN_B STEP "#", head + 1);
	memset(text + head + 1, 'x', 1022);
	memcpy(text + head + 1023, "\n", 2);
	accepts(text);
	memcpy(text + head + 1023, "x\n", 3);
	refuses(text, "file:5: the line has 1024 bytes, more than 1023");
	memset(text + head + 1, 'x', 3000);
	refuses_bytes(text, head + 3000, "more than 1023");
}

/* Appends printf-style to a buffer that is large enough. */
#define ADD(...) (length += (size_t)snprintf(text + length, size - length, __VA_ARGS__))

static void plan_limits(void)
{
	size_t size = 16u << 20;
	char *text = malloc(size);

	for (unsigned domains = 128; domains <= 129; domains++) {
		size_t length = 0;

		ADD(HEAD);
		for (unsigned i = 0; i < domains; i++)
			ADD("domain name=d%u domid=1 addr=10.0.0.1 cid=3 agent=agent\n", i);
		ADD(STEP_OF("1", "size=1 warmup=0 count=1 budget_ms=1 repetition=0 pairs=d0:d127"));
		if (domains == 128)
			accepts(text);
		else
			refuses(text, "file:130: domain: more than 128 domains");
	}
	for (unsigned pairs = 128; pairs <= 129; pairs++) {
		size_t length = 0;

		ADD(HEAD DOMAIN "step id=1 experiment=e kind=stream transport=tcp size=1 warmup=0 count=0 budget_ms=1 "
		    "repetition=0 pairs=a:a");
		for (unsigned i = 1; i < pairs; i++)
			ADD(",a:a");
		if (pairs == 128)
			accepts(text);
		else
			refuses(text, "pairs: more than 128 pairs");
	}
	for (unsigned steps = 100000; steps <= 100001; steps++) {
		size_t length = 0;

		ADD(HEAD DOMAIN DOMAIN_B);
		for (unsigned i = 0; i < steps; i++)
			ADD("step id=%u experiment=e kind=pingpong transport=tcp size=1 warmup=0 count=1 budget_ms=1 "
			    "repetition=0 pairs=a:b\n", i);
		if (steps == 100000)
			accepts(text);
		else
			refuses(text, "file:100004: step: more than 100000 steps");
	}
	free(text);
}

static void plan_budget_fits(void)
{
	static const char text[] = HEAD DOMAIN DOMAIN_B STEP_OF("9", "size=1 warmup=0 count=1 budget_ms=60000 repetition=0 pairs=a:b");
	struct plan plan;
	struct error error;

	CHECK(parse(&plan, text, strlen(text), &error));
	CHECK(!plan_fits(&plan, "file", 60000, &error));
	CHECK_HOLDS(error.text, "step id=9: budget_ms=60000");
	CHECK(plan_fits(&plan, "file", 60001, &error));
	plan_free(&plan);
}

int main(void)
{
	return RUN(plan_valid) + RUN(plan_pair_sizes) + RUN(plan_names_file_line_and_word) + RUN(plan_header) + RUN(plan_words) +
	       RUN(plan_values) + RUN(plan_numbers) + RUN(plan_pairs) + RUN(plan_bytes) + RUN(plan_line_length) +
	       RUN(plan_limits) + RUN(plan_budget_fits) > 0;
}
