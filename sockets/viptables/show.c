#include "show.h"

#include <inttypes.h>

struct end_text end_text(const struct names *names, uint16_t domid, bool has_port, uint32_t port)
{
	static const struct names none;
	const char *name = names_of(names ? names : &none, domid);
	struct end_text end;
	int used;

	if (name && (names || domid == V4V_ANY))
		used = snprintf(end.text, sizeof(end.text), "%s", name);
	else
		used = snprintf(end.text, sizeof(end.text), "%u", domid);
	if (has_port)
		snprintf(end.text + used, sizeof(end.text) - (size_t)used, ":%u", port);
	return end;
}

static struct end_text source(const struct v4v_rule *rule, const struct names *names)
{
	return end_text(names, rule->src_domid, rule->flags & V4V_RULE_SRC_PORT, rule->src_port);
}

static struct end_text destination(const struct v4v_rule *rule, const struct names *names)
{
	return end_text(names, rule->dst_domid, rule->flags & V4V_RULE_DST_PORT, rule->dst_port);
}

void show_listing(FILE *out, const struct listing *listing, const struct names *names, bool verbose)
{
	fprintf(out, "policy %s: %" PRIu64 " packets, %" PRIu64 " bytes\n", target_name(listing->policy),
		listing->policy_packets, listing->policy_bytes);
	fprintf(out, "%3s %12s %16s %-6s %-24s %s\n", "num", "packets", "bytes", "target", "source", "destination");
	for (uint32_t i = 0; i < listing->count; i++) {
		const struct v4v_rule_entry *entry = &listing->entries[i];

		fprintf(out, "%3u %12" PRIu64 " %16" PRIu64 " %-6s %-24s %s", i + 1, entry->packets, entry->bytes,
			target_name(entry->rule.target), source(&entry->rule, names).text,
			destination(&entry->rule, names).text);
		if (verbose && names)
			fprintf(out, " (%s > %s)", source(&entry->rule, NULL).text, destination(&entry->rule, NULL).text);
		fputc('\n', out);
	}
}

void show_saved(FILE *out, uint16_t policy, const struct v4v_rule *rules, size_t stride, uint32_t count,
		const struct names *names)
{
	fprintf(out, "-P %s\n", target_name(policy));
	for (uint32_t i = 0; i < count; i++) {
		const struct v4v_rule *rule = (const struct v4v_rule *)((const char *)rules + i * stride);

		fprintf(out, "-A -s %s -d %s -j %s\n", source(rule, names).text, destination(rule, names).text,
			target_name(rule->target));
	}
}
