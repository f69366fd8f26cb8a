#include "peer.h"

#include "move.h"

u16 v4v_own_domid = OWN_DOMAIN;

u16 peer_type;
struct answer answers[64];
unsigned int nr_answers;
long (*control_result)(u16 to);

static long take(const struct v4v_sendv *args, const void *payload)
{
	long rc = args->dst.port == V4V_CONTROL_PORT && control_result ? control_result(args->dst.domid) : 1;

	if (rc != 1 || args->dst.port != V4V_CONTROL_PORT)
		return rc;
	if (args->length != sizeof(struct v4v_control) || args->type != V4V_TYPE_CONTROL)
		violation("the module says what is no control message");
	if (nr_answers < sizeof(answers) / sizeof(answers[0])) {
		answers[nr_answers].to = args->dst.domid;
		memcpy(&answers[nr_answers++].message, payload, sizeof(struct v4v_control));
	}
	return (long)args->length;
}

void peer_start(void)
{
	nr_answers = 0;
	peer_type = SOCK_STREAM;
	control_result = NULL;
	hv.on_send = take;
	v4v_own_domid = OWN_DOMAIN;
	CHECK_EQUAL(v4v_conn_init(), 0);
	CHECK_EQUAL(v4v_move_init(), 0);
	CHECK_EQUAL(v4v_control_start(), 0);
	CHECK_EQUAL(v4v_stats_start(), 0);
	run_work();
}

void peer_stop(void)
{
	control_result = NULL;
	run_work();
	if (sockets())
		violation("%u sockets are left", sockets());
	v4v_stats_stop();
	v4v_control_stop();
	v4v_move_exit();
	v4v_conn_exit();
}

void peer_puts(u16 from, const void *bytes, u32 length, u32 type)
{
	struct hv_ring *ring = hv_find(V4V_CONTROL_PORT, V4V_ANY);

	if (ring && hv_put(ring, from, type, bytes, length, false) >= 0)
		v4v_control_event();
	run_work();
}

void peer_says(u16 from, enum v4v_control_op op, u32 ring, u32 about, u32 flags)
{
	const struct v4v_control message = {
		.version = V4V_CONTROL_VERSION,
		.op = op,
		.type = peer_type,
		.src_port = 60000,
		.dst_port = LISTEN_PORT,
		.ring = ring,
		.about = about,
		.flags = flags,
	};

	peer_puts(from, &message, sizeof(message), V4V_TYPE_CONTROL);
}

void forget_answers(void)
{
	nr_answers = 0;
}
