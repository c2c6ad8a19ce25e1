#include "tui/term/restore.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* A signal handler is given nothing but a number. */
static struct termios saved;        /* style: global, because a signal handler has no other way to it */
static char leave[128];             /* style: global, the same */
static volatile sig_atomic_t armed; /* style: global, the same */

static const int deadly[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

/* Only what signal-safety(7) allows; SA_RESETHAND makes the second raise the real death. */
static void put_back(int number)
{
	if (armed) {
		ssize_t ignored = write(STDOUT_FILENO, leave, strlen(leave));

		(void)ignored;
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	}
	raise(number);
}

void restore_arm(const char *leave_bytes)
{
	snprintf(leave, sizeof leave, "%s", leave_bytes);
	armed = tcgetattr(STDIN_FILENO, &saved) == 0;
#ifndef PARLEY_SANITIZED /* the sanitisers' own reports are worth more there */
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
		struct sigaction action = { .sa_handler = put_back, .sa_flags = (int)SA_RESETHAND };

		sigaction(deadly[i], &action, NULL);
	}
#endif
}

void restore_disarm(void)
{
	armed = 0;
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
		signal(deadly[i], SIG_DFL);
}
