// Finds a function of a library that is loaded on first use. Called by the stubs of functions.S.
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct library {
  void *handle;
  // Names to try, one after the other, each ended by a null byte, the list by an empty one.
  const char *names;
};

struct function {
  // Where the stub jumps to.
  void *address;
  const char *name;
  struct library *library;
};

// What the dynamic loader would have said at the start.
__attribute__((noreturn)) static void give_up(const char *what, const char *why) {
  const char *parts[] = {"shipit: ", what, " cannot be loaded: ", why ? why : "unknown", "\n"};
  for (unsigned part = 0; part < sizeof parts / sizeof *parts; part++) {
    if (write(2, parts[part], strlen(parts[part])) < 0) break;
  }
  _exit(1);
}

static void *load(struct library *library) {
  void *handle = __atomic_load_n(&library->handle, __ATOMIC_ACQUIRE);
  if (handle) return handle;
  for (const char *name = library->names; *name; name += strlen(name) + 1) {
    // Two threads at once get the same handle.
    handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (handle) break;
  }
  if (!handle) give_up(library->names, dlerror());
  __atomic_store_n(&library->handle, handle, __ATOMIC_RELEASE);
  return handle;
}

__attribute__((visibility("hidden"))) void *shipit_bind(struct function *function) {
  void *address = dlsym(load(function->library), function->name);
  if (!address) give_up(function->name, dlerror());
  __atomic_store_n(&function->address, address, __ATOMIC_RELEASE);
  return address;
}
