#pragma once

#include <sys/types.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

/// A pipe whose ends close on exec and are never 0, 1 or 2. Returns 0 or an errno.
int system_pipe(int ends[2]);

/// Makes reads and writes on `descriptor` return at once. Returns 0 or an errno.
int system_set_nonblocking(int descriptor);

/// Starts `path` as leader of a new process group with the default signal dispositions, an empty
/// signal mask, `directory` (may be null) as working directory, and no descriptor but the three given.
/// `input` below 0 means /dev/null. Returns 0 or an errno.
int system_spawn(
    pid_t *process, const char *path, char *const arguments[], char *const environment[],
    const char *directory, int input, int output, int error);

/// Undoes an inherited "ignore SIGCHLD", under which the kernel would throw exit codes away.
void system_keep_exit_codes(void);

/// Blocks every signal in the calling thread: handlers run elsewhere, a broken pipe gives EPIPE.
void system_block_signals(void);

/// The size of the terminal behind `descriptor`. Returns 0 or an errno.
int system_window_size(int descriptor, int *columns, int *rows);

#ifdef __linux__
/// A descriptor that becomes readable when `process` ends, or -1 and errno.
int system_pidfd_open(pid_t process);
#endif
