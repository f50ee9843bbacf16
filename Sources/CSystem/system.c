#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>

int system_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }
#endif

// A parent started with closed standard streams would get 0, 1 or 2 here, and the child's own
// standard streams would then overwrite the pipe.
static int lift_above_standard(int *descriptor) {
  if (*descriptor > 2) return 0;
  int lifted = fcntl(*descriptor, F_DUPFD_CLOEXEC, 3);
  if (lifted < 0) return errno;
  close(*descriptor);
  *descriptor = lifted;
  return 0;
}

int system_pipe(int ends[2]) {
#ifdef __linux__
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
#else
  if (pipe(ends) != 0) return errno;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#endif
  int fault = lift_above_standard(&ends[0]);
  if (fault == 0) fault = lift_above_standard(&ends[1]);
  if (fault != 0) {
    close(ends[0]);
    close(ends[1]);
  }
  return fault;
}

int system_set_nonblocking(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return errno;
  return 0;
}

static int prepare_attributes(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  sigdelset(&all, SIGKILL);
  sigdelset(&all, SIGSTOP);
  short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
#ifdef __APPLE__
  flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
  int fault = posix_spawnattr_setflags(attributes, flags);
  if (fault == 0) fault = posix_spawnattr_setpgroup(attributes, 0);
  if (fault == 0) fault = posix_spawnattr_setsigmask(attributes, &none);
  if (fault == 0) fault = posix_spawnattr_setsigdefault(attributes, &all);
  return fault;
}

static int prepare_actions(
    posix_spawn_file_actions_t *actions, const char *directory, int input, int output, int error) {
  int fault = input < 0
                  ? posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)
                  : posix_spawn_file_actions_adddup2(actions, input, 0);
  if (fault == 0) fault = posix_spawn_file_actions_adddup2(actions, output, 1);
  if (fault == 0) fault = posix_spawn_file_actions_adddup2(actions, error, 2);
#ifdef __linux__
  if (fault == 0) fault = posix_spawn_file_actions_addclosefrom_np(actions, 3);
#endif
  if (fault == 0 && directory != NULL)
    fault = posix_spawn_file_actions_addchdir_np(actions, directory);
  return fault;
}

int system_spawn(
    pid_t *process, const char *path, char *const arguments[], char *const environment[],
    const char *directory, int input, int output, int error) {
  posix_spawnattr_t attributes;
  int fault = posix_spawnattr_init(&attributes);
  if (fault != 0) return fault;
  posix_spawn_file_actions_t actions;
  fault = posix_spawn_file_actions_init(&actions);
  if (fault != 0) {
    posix_spawnattr_destroy(&attributes);
    return fault;
  }
  fault = prepare_attributes(&attributes);
  if (fault == 0) fault = prepare_actions(&actions, directory, input, output, error);
  if (fault == 0)
    fault = posix_spawn(process, path, &actions, &attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return fault;
}

void system_keep_exit_codes(void) {
  struct sigaction current;
  if (sigaction(SIGCHLD, NULL, &current) != 0) return;
  int ignored = (current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == SIG_IGN;
  if (!ignored && (current.sa_flags & SA_NOCLDWAIT) == 0) return;
  if (ignored) current.sa_handler = SIG_DFL;
  current.sa_flags &= ~SA_NOCLDWAIT;
  sigaction(SIGCHLD, &current, NULL);
}

void system_block_signals(void) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
}

int system_window_size(int descriptor, int *columns, int *rows) {
  struct winsize size;
  memset(&size, 0, sizeof size);
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return errno;
  *columns = size.ws_col;
  *rows = size.ws_row;
  return 0;
}
