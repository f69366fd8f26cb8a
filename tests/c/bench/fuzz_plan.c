/*
 * Mutates plans by a seeded generator (FUZZ_SEED, default 1) FUZZ_COUNT times (default 20000). Whatever comes out, the
 * parser ends without a sanitizer's complaint; what it accepts is within bounds and comes out the same when it is
 * printed and parsed again; what it refuses has a reason and leaves nothing behind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "plan.h"

bool check_failed;

#define MAX_TEXT 8192u

static const char *const seeds[] = {
	"v4v-bench-plan 1\n"
	"domain name=a domid=1 addr=10.0.0.1 cid=3 agent=ssh -F x a v4v-bench agent\n"
	"domain name=b domid=2 addr=10.0.0.2 cid=4 agent=agent\n"
	"step id=1 experiment=latency kind=pingpong transport=tcp size=64 warmup=20 count=200 budget_ms=1500 repetition=3 "
	"pairs=a:b\n"
	"step id=2 experiment=stream kind=stream transport=v4v size=65536 warmup=0 count=0 budget_ms=1000 repetition=3 "
	"pairs=a:b,b:a/524288\n"
	"step id=3 experiment=memcpy kind=memcpy transport=native size=65536 warmup=0 count=0 budget_ms=10 repetition=3 "
	"pairs=a:a\n",
	"# \xc3\xa9\n\nv4v-bench-plan 1\n"
	"domain name=a domid=32751 addr=255.255.255.255 cid=4294967294 agent=x\n"
	"step id=4294967295 experiment=e kind=stream transport=unix size=16777216 warmup=1000000 count=1000000 "
	"budget_ms=3600000 repetition=1000000 pairs=a:a,a:a\n",
};

static const char *const tokens[] = {
	"=", " ", "  ", ",", ":", "\n", "#", "0", "1", "-1", "18446744073709551616", "4294967296", "999999999999999999999999",
	"a", "b", "a:b", ",a:a", "pairs=", "agent=", "kind=stream", "kind=memcpy", "transport=unix", "transport=native", "/1", "/16777217",
	"id=1 ", "domain ", "step ", "\xff", "\xc3",
	"\xe2\x82\xac", "\t", "\r", "v4v-bench-plan 1\n", "domain name=c domid=0 addr=1.2.3.4 cid=0 agent=c c\n",
};

static uint64_t state;

static uint32_t below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) % limit);
}

static size_t insert(char *text, size_t length, size_t at, const char *part, size_t bytes)
{
	if (length + bytes > MAX_TEXT)
		return length;
	memmove(text + at + bytes, text + at, length - at);
	memcpy(text + at, part, bytes);
	return length + bytes;
}

static size_t mutate(char *text, size_t length)
{
	size_t at = below((uint32_t)length + 1);
	size_t bytes = below(40);
	const char *token = tokens[below(sizeof(tokens) / sizeof(tokens[0]))];
	char copy[1200];

	switch (below(8)) {
	case 0: /* flip a bit */
		if (at < length)
			text[at] = (char)(text[at] ^ (1 << below(8)));
		return length;
	case 1: /* any byte, zero too */
		if (at < length)
			text[at] = (char)below(256);
		return length;
	case 2: /* cut a piece out */
		bytes = bytes < length - at ? bytes : length - at;
		memmove(text + at, text + at + bytes, length - at - bytes);
		return length - bytes;
	case 3: /* double a piece, now and then a long one */
		bytes = below(8) ? bytes : below(sizeof(copy));
		bytes = bytes < length - at ? bytes : length - at;
		memcpy(copy, text + at, bytes);
		return insert(text, length, below((uint32_t)length + 1), copy, bytes);
	case 4: /* another digit for the next one */
	case 5:
		while (at < length && (text[at] < '0' || text[at] > '9'))
			at++;
		if (at < length)
			text[at] = (char)('0' + below(10));
		return length;
	default:
		return insert(text, length, at, token, strlen(token));
	}
}

static void print_plan(const struct plan *plan, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "v4v-bench-plan 1\n");

#define ADD(...) (used += (size_t)snprintf(text + used, size - used, __VA_ARGS__))
	for (size_t i = 0; i < plan->domain_count; i++) {
		const struct plan_domain *domain = &plan->domains[i];

		ADD("domain name=%s domid=%u addr=%s cid=%u agent=%s", domain->name, (unsigned)domain->domid, domain->addr,
		    (unsigned)domain->cid, domain->agent[0]);
		for (char **word = domain->agent + 1; *word; word++)
			ADD(" %s", *word);
		ADD("\n");
	}
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		ADD("step id=%u experiment=%s kind=%s transport=%s size=%u warmup=%u count=%u budget_ms=%u repetition=%u pairs=",
		    (unsigned)step->id, step->experiment, kind_name(step->kind), transport_name(step->transport),
		    (unsigned)step->size, (unsigned)step->warmup, (unsigned)step->count, (unsigned)step->budget_ms,
		    (unsigned)step->repetition);
		for (uint32_t j = 0; j < step->pair_count; j++) {
			const struct plan_pair *pair = &plan->pairs[step->first_pair + j];

			ADD("%s%s:%s", j ? "," : "", plan->domains[pair->client].name, plan->domains[pair->server].name);
			if (pair->size != step->size)
				ADD("/%u", (unsigned)pair->size);
		}
		ADD("\n");
	}
#undef ADD
}

static void check_accepted(const struct plan *plan)
{
	static char first[4 * MAX_TEXT], second[4 * MAX_TEXT];
	struct plan again;
	struct error error;

	CHECK(plan->domain_count >= 1 && plan->domain_count <= BENCH_MAX_DOMAINS && plan->step_count >= 1);
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		CHECK(step->size >= 1 && step->size <= BENCH_MAX_SIZE && step->budget_ms >= 1);
		CHECK(step->pair_count >= 1 && step->first_pair + step->pair_count <= plan->pair_count);
		for (uint32_t j = 0; j < step->pair_count; j++) {
			CHECK(plan->pairs[step->first_pair + j].client < plan->domain_count);
			CHECK(plan->pairs[step->first_pair + j].server < plan->domain_count);
			CHECK(plan->pairs[step->first_pair + j].size >= 1 && plan->pairs[step->first_pair + j].size <= BENCH_MAX_SIZE);
		}
	}
	print_plan(plan, first, sizeof(first));
	if (!plan_parse(&again, "again", first, strlen(first), &error)) {
		printf("# %s\n", error.text);
		check_failed = true;
		return;
	}
	print_plan(&again, second, sizeof(second));
	CHECK(strcmp(first, second) == 0);
	plan_free(&again);
}

static unsigned long from_environment(const char *name, unsigned long fallback)
{
	const char *value = getenv(name);

	return value && *value ? strtoul(value, NULL, 10) : fallback;
}

int main(void)
{
	unsigned long count = from_environment("FUZZ_COUNT", 20000);
	unsigned long accepted = 0;

	state = from_environment("FUZZ_SEED", 1) * 0x9e3779b97f4a7c15ull | 1;
	for (unsigned long i = 0; i < count && !check_failed; i++) {
		static char text[MAX_TEXT];
		const char *seed = seeds[below(sizeof(seeds) / sizeof(seeds[0]))];
		size_t length = strlen(seed);
		struct error error = {.text = ""};
		struct plan plan;
		char *exact;

		memcpy(text, seed, length);
		for (uint32_t times = 1 + below(below(4) ? 2 : 12); times; times--)
			length = mutate(text, length);
		exact = malloc(length ? length : 1); /* exact, so that a read past the end is seen */
		memcpy(exact, text, length);
		if (plan_parse(&plan, "fuzz", exact, length, &error)) {
			accepted++;
			check_accepted(&plan);
		} else {
			CHECK(strncmp(error.text, "fuzz:", 5) == 0 && strlen(error.text) > 8);
			CHECK(plan.domain_count == 0 && !plan.steps && !plan.pairs);
		}
		if (check_failed)
			printf("# case %lu: %.*s\n", i, (int)length, text);
		plan_free(&plan);
		free(exact);
	}
	/* A fuzzer whose every case is refused (or accepted) would look at one half of the parser only. */
	if (count >= 1000)
		CHECK(accepted > count / 50 && accepted < count - count / 50);
	printf("# %lu mutated plans, %lu of them accepted\n", count, accepted);
	printf("%s plan_fuzz\n", check_failed ? "FAIL" : "ok");
	return check_failed;
}
