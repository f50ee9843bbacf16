// The floor of the graph benchmark: runs a program for each of 200 nodes, ten at once, and makes the beginning and
// the end of each durable before it goes on. Whoever keeps a journal can hardly do less.
//
//   graph flat|chain|layers JOURNAL PROGRAM [ARGUMENT…]
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { nodes = 200, width = 10, layer = 10 };

extern char **environ;
static int journal;

static void note(const char *what, int node) {
  char line[200];
  int length = snprintf(line, sizeof line, "{\"node\": %d, \"fact\": \"%s\", \"at\": 1787306400000}\n", node, what);
  if (write(journal, line, length) != length || fdatasync(journal) != 0) exit(2);
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  int chain = strcmp(arguments[1], "chain") == 0, layers = strcmp(arguments[1], "layers") == 0;
  journal = open(arguments[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  if (journal < 0) return 2;
  pid_t running[nodes];
  char done[nodes] = {0};
  int begun = 0, ended = 0;
  while (ended < nodes) {
    while (begun < nodes && begun - ended < width) {
      int ready = 1;
      if (chain) ready = begun == ended;
      // Twenty layers of ten: each node needs all of the layer before.
      if (layers)
        for (int other = begun / layer * layer - layer; other >= 0 && other < begun / layer * layer; other++)
          ready &= done[other];
      if (!ready) break;
      note("began", begun);
      if (posix_spawnp(&running[begun], arguments[3], NULL, NULL, arguments + 3, environ) != 0) return 2;
      begun++;
    }
    int status;
    pid_t pid = wait(&status);
    if (pid < 0 || status != 0) return 1;
    for (int node = 0; node < begun; node++)
      if (!done[node] && running[node] == pid) {
        done[node] = 1;
        ended++;
        note("ended", node);
        break;
      }
  }
  return 0;
}
