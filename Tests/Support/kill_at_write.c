// Preloaded into shipit by the crash tests: counts the synchronisations of the ledger's files, and the
// transactions by which a journal in PostgreSQL grows, and kills the process at the wanted one, before or after it
// was made.
//   KILL_AT=N      the N-th of them; 0 only counts
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
#include <sys/socket.h>

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

// Whether this is the wanted write; when it is to be killed before, nothing returns from here.
static int begin(long *n) {
  *n = atomic_fetch_add(&count, 1) + 1;
  const char *at = getenv("KILL_AT"), *when = getenv("KILL_WHEN");
  int wanted = at && atol(at) == *n;
  if (wanted && (!when || strcmp(when, "before") == 0)) kill(getpid(), SIGKILL);
  return wanted;
}

static void end(long n, int wanted) {
  note(n);
  if (wanted) kill(getpid(), SIGKILL);
}

static int synchronise(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (!is_ledger(fd)) return real(fd);
  long n;
  int wanted = begin(&n);
  int result = real(fd);
  end(n, wanted);
  return result;
}

// What libpq sends: a transaction that wrote to the journal is made with its COMMIT.
static atomic_int writes_journal;

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  ssize_t (*real)(int, const void *, size_t, int) =
      (ssize_t (*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");
  if (memmem(bytes, length, "INSERT INTO shipit.journal", 26) != NULL) atomic_store(&writes_journal, 1);
  if (memmem(bytes, length, "COMMIT", 6) == NULL || !atomic_exchange(&writes_journal, 0))
    return real(fd, bytes, length, flags);
  long n;
  int wanted = begin(&n);
  ssize_t result = real(fd, bytes, length, flags);
  end(n, wanted);
  return result;
}

int fdatasync(int fd) { return synchronise("fdatasync", fd); }
int fsync(int fd) { return synchronise("fsync", fd); }
