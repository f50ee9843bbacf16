// Preloaded into shipit by the crash tests: counts the synchronisations of the ledger's files and
// kills the process at the wanted one, before or after it reached the disk.
//   KILL_AT=N      the N-th synchronisation; 0 only counts
//   KILL_WHEN=before|after
//   KILL_COUNT=F   a file that gets the count at exit
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stdatomic.h>

static atomic_long count;

static int is_ledger(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strstr(path, "/.shipit/") != NULL;
}

static void note(long n) {
  const char *file = getenv("KILL_COUNT");
  if (!file) return;
  FILE *out = fopen(file, "w");
  if (!out) return;
  fprintf(out, "%ld\n", n);
  fclose(out);
}

static int synchronise(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (!is_ledger(fd)) return real(fd);
  long n = atomic_fetch_add(&count, 1) + 1;
  const char *at = getenv("KILL_AT"), *when = getenv("KILL_WHEN");
  int wanted = at && atol(at) == n;
  if (wanted && (!when || strcmp(when, "before") == 0)) kill(getpid(), SIGKILL);
  int result = real(fd);
  note(n);
  if (wanted) kill(getpid(), SIGKILL);
  return result;
}

int fdatasync(int fd) { return synchronise("fdatasync", fd); }
int fsync(int fd) { return synchronise("fsync", fd); }
