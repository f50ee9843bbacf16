#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CSystem.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

static int first_cname(const unsigned char *answer, int length, char *target, int size) {
  ns_msg message;
  if (ns_initparse(answer, length, &message) != 0) return SYSTEM_NAME_BAD;
  for (int index = 0; index < ns_msg_count(message, ns_s_an); index++) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, index, &record) != 0) return SYSTEM_NAME_BAD;
    if (ns_rr_type(record) != ns_t_cname) continue;
    int used = dn_expand(
        ns_msg_base(message), ns_msg_end(message), ns_rr_rdata(record), target, size);
    return used < 0 ? SYSTEM_NAME_BAD : SYSTEM_NAME_FOUND;
  }
  return SYSTEM_NAME_NO_RECORD;
}

int system_cname(const char *name, const char *server, int port, char *target, int size) {
  struct __res_state state;
  memset(&state, 0, sizeof state);
  if (res_ninit(&state) != 0) return SYSTEM_NAME_BAD;
  state.retrans = 2;
  state.retry = 2;
  if (server != NULL) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    if (inet_pton(AF_INET, server, &address.sin_addr) != 1) {
      res_nclose(&state);
      return SYSTEM_NAME_BAD;
    }
    state.nscount = 1;
    state.nsaddr_list[0] = address;
  }
  unsigned char answer[NS_MAXMSG > 16384 ? 16384 : NS_MAXMSG];
  int length = res_nquery(&state, name, ns_c_in, ns_t_cname, answer, sizeof answer);
  int why = state.res_h_errno;
  res_nclose(&state);
  if (length >= 0) {
    // The length is that of the whole answer, which may not have fitted.
    if (length > (int)sizeof answer) length = (int)sizeof answer;
    return first_cname(answer, length, target, size);
  }
  switch (why) {
    case HOST_NOT_FOUND: return SYSTEM_NAME_UNKNOWN;
    case NO_DATA: return SYSTEM_NAME_NO_RECORD;
    case TRY_AGAIN: return SYSTEM_NAME_NO_ANSWER;
    default: return SYSTEM_NAME_BAD;
  }
}
