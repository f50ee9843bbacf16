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

/// How `system_cname` ended.
enum {
  SYSTEM_NAME_FOUND = 0,
  /// The name exists and has no such record.
  SYSTEM_NAME_NO_RECORD = 1,
  /// There is no such name.
  SYSTEM_NAME_UNKNOWN = 2,
  /// No name server answered.
  SYSTEM_NAME_NO_ANSWER = 3,
  /// The answer or the question was none.
  SYSTEM_NAME_BAD = 4,
};

/// Asks the system's name servers for the CNAME record of `name`, taken as a whole name, and writes what it
/// points to into `target`. With `server`, an IPv4 address, that one is asked instead, at `port`.
/// Blocks for some seconds when nobody answers.
int system_cname(const char *name, const char *server, int port, char *target, int size);

#ifdef __linux__
/// A descriptor that becomes readable when `process` ends, or -1 and errno.
int system_pidfd_open(pid_t process);
#endif
