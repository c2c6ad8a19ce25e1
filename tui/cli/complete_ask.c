#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "tui/cli/complete.h"
#include "tui/client/call.h"

/* What is known has been written by then; what is not will not be waited for. */
static void time_is_over(int number)
{
	(void)number;
	_exit(0);
}

static void write_out(const struct buffer *out)
{
	fwrite(buffer_slice(out).ptr ? buffer_slice(out).ptr : "", 1, buffer_length(out), stdout);
	fflush(stdout);
}

static void ask(const struct caller_setup *setup, const struct complete_wish *wish, struct buffer *out)
{
	struct control_answer answer;
	enum control_code code;
	struct reason reason;
	struct caller *caller;
	struct buffer params;

	if (caller_open(setup, &caller, &code, &reason) != RESULT_OK)
		return;
	buffer_start(&params, COMPLETE_PARAMS_MAX);
	complete_params(wish, &params);
	caller_call(caller, wish->method, buffer_slice(&params), COMPLETE_MS, &answer);
	buffer_stop(&params);
	if (answer.code == CONTROL_OK)
		complete_rows(wish, answer.result, out);
	control_answer_free(&answer);
	caller_close(&caller);
}

void complete_print(const struct caller_setup *setup, size_t count, const char *const *words)
{
	const struct itimerval limit = { .it_value = { .tv_usec = COMPLETE_MS * 1000 } };
	struct complete_wish wish;
	struct buffer out;

	signal(SIGALRM, time_is_over);
	setitimer(ITIMER_REAL, &limit, NULL);
	buffer_start(&out, COMPLETE_OUT_MAX);
	complete_words(count, words, &out, &wish);
	write_out(&out);
	buffer_clear(&out);
	if (wish.is_wanted) {
		ask(setup, &wish, &out);
		write_out(&out);
	}
	buffer_stop(&out);
}
