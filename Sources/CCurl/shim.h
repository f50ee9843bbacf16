#pragma once
#include <curl/curl.h>

// Swift cannot call variadic C functions: one wrapper for each kind of argument.

static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
  return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
  return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *_Nullable value) {
  return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *_Nullable value) {
  return (curl_easy_setopt)(easy, option, value);
}

static inline CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *_Nullable value) {
  return (curl_easy_setopt)(easy, option, value);
}

// CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION and CURLOPT_READFUNCTION share one shape.
static inline CURLcode ccurl_set_transfer_callback(CURL *easy, CURLoption option,
                                                   curl_write_callback _Nullable callback) {
  return (curl_easy_setopt)(easy, option, callback);
}

static inline CURLcode ccurl_set_seek_callback(CURL *easy, curl_seek_callback _Nullable callback) {
  return (curl_easy_setopt)(easy, CURLOPT_SEEKFUNCTION, callback);
}

static inline CURLcode ccurl_set_request_callback(CURL *easy, curl_prereq_callback _Nullable callback) {
  return (curl_easy_setopt)(easy, CURLOPT_PREREQFUNCTION, callback);
}

static inline CURLcode ccurl_get_pointer(CURL *easy, CURLINFO info, void *_Nullable *_Nonnull value) {
  return (curl_easy_getinfo)(easy, info, value);
}

static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return (curl_multi_setopt)(multi, option, value);
}

// A message of the multi handle holds its result in a union.
static inline CURLcode ccurl_result(const CURLMsg *message) { return message->data.result; }

// The socket of a connection that was only made, or CURL_SOCKET_BAD.
static inline curl_socket_t ccurl_socket(CURL *easy) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if ((curl_easy_getinfo)(easy, CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK) return CURL_SOCKET_BAD;
  return socket;
}

// The certificate the other side showed for itself, as lines of "NAME:VALUE"; null when none.
static inline struct curl_slist *_Nullable ccurl_first_certificate(CURL *easy) {
  struct curl_certinfo *found = NULL;
  if ((curl_easy_getinfo)(easy, CURLINFO_CERTINFO, &found) != CURLE_OK) return NULL;
  return found != NULL && found->num_of_certs > 0 ? found->certinfo[0] : NULL;
}

static inline const curl_version_info_data *_Nullable ccurl_version(void) {
  return curl_version_info(CURLVERSION_NOW);
}

// Written with three l before curl 8.2, and understood so ever since.
static const CURLoption ccurl_some_recipients_may_fail = CURLOPT_MAIL_RCPT_ALLLOWFAILS;
