// Functions of system libraries, each loaded with its library when it is first called.
//
// Linked in the ordinary way these libraries and the forty they need themselves are loaded, relocated and
// initialised by every start of the program, also by one that prints its version: 8 of 10 ms (docs/benchmarks.md).
// Here each function is a stub that jumps through a pointer; at first the pointer leads to shipit_bind, which loads
// the library and puts the function's address there. The symbols are hidden, so that the libraries among themselves
// keep calling each other's own.
//
// A function that is missing here shows as an undefined symbol when the program is linked: add its name.

#if defined(__linux__)

#if defined(__x86_64__)

.macro function library, name
  .text
  .p2align 4
  .globl \name
  .hidden \name
  .type \name, @function
\name:
  jmpq *.Lrecord_\name(%rip)
.Lfirst_\name:
  leaq .Lrecord_\name(%rip), %r11
  jmp .Lbind
  .size \name, . - \name
  .section .rodata
.Lname_\name:
  .asciz "\name"
  .data
  .p2align 3
.Lrecord_\name:
  .quad .Lfirst_\name, .Lname_\name, .Lhandle_\library
.endm

  .text
  .p2align 4
.Lbind:
  // Every register that may carry an argument, and the number of those in vectors.
  pushq %rax
  pushq %rdi
  pushq %rsi
  pushq %rdx
  pushq %rcx
  pushq %r8
  pushq %r9
  subq $128, %rsp
  movups %xmm0, (%rsp)
  movups %xmm1, 16(%rsp)
  movups %xmm2, 32(%rsp)
  movups %xmm3, 48(%rsp)
  movups %xmm4, 64(%rsp)
  movups %xmm5, 80(%rsp)
  movups %xmm6, 96(%rsp)
  movups %xmm7, 112(%rsp)
  movq %r11, %rdi
  callq shipit_bind
  movq %rax, %r11
  movups (%rsp), %xmm0
  movups 16(%rsp), %xmm1
  movups 32(%rsp), %xmm2
  movups 48(%rsp), %xmm3
  movups 64(%rsp), %xmm4
  movups 80(%rsp), %xmm5
  movups 96(%rsp), %xmm6
  movups 112(%rsp), %xmm7
  addq $128, %rsp
  popq %r9
  popq %r8
  popq %rcx
  popq %rdx
  popq %rsi
  popq %rdi
  popq %rax
  jmpq *%r11

#elif defined(__aarch64__)

.macro function library, name
  .text
  .p2align 4
  .globl \name
  .hidden \name
  .type \name, %function
\name:
  adrp x17, .Lrecord_\name
  add x17, x17, :lo12:.Lrecord_\name
  ldr x16, [x17]
  br x16
  .size \name, . - \name
  .section .rodata
.Lname_\name:
  .asciz "\name"
  .data
  .p2align 3
.Lrecord_\name:
  .quad .Lbind, .Lname_\name, .Lhandle_\library
.endm

  .text
  .p2align 4
.Lbind:
  stp x29, x30, [sp, #-16]!
  mov x29, sp
  stp x0, x1, [sp, #-16]!
  stp x2, x3, [sp, #-16]!
  stp x4, x5, [sp, #-16]!
  stp x6, x7, [sp, #-16]!
  stp x8, x17, [sp, #-16]!
  stp q0, q1, [sp, #-32]!
  stp q2, q3, [sp, #-32]!
  stp q4, q5, [sp, #-32]!
  stp q6, q7, [sp, #-32]!
  mov x0, x17
  bl shipit_bind
  mov x16, x0
  ldp q6, q7, [sp], #32
  ldp q4, q5, [sp], #32
  ldp q2, q3, [sp], #32
  ldp q0, q1, [sp], #32
  ldp x8, x17, [sp], #16
  ldp x6, x7, [sp], #16
  ldp x4, x5, [sp], #16
  ldp x2, x3, [sp], #16
  ldp x0, x1, [sp], #16
  ldp x29, x30, [sp], #16
  br x16

#else
#error "functions.S knows x86-64 and arm64; other machines link the libraries in the ordinary way"
#endif

// The names of a library: as the headers of this system have it, then the newest that is there.
.macro library symbol, first, second
  .section .rodata
.Lnames_\symbol:
  .asciz "\first"
  .asciz "\second"
  .byte 0
  .data
  .p2align 3
.Lhandle_\symbol:
  .quad 0, .Lnames_\symbol
.endm

  library curl, "libcurl.so.4", "libcurl.so"
  function curl, curl_easy_cleanup
  function curl, curl_easy_getinfo
  function curl, curl_easy_init
  function curl, curl_easy_pause
  function curl, curl_easy_perform
  function curl, curl_easy_recv
  function curl, curl_easy_reset
  function curl, curl_easy_send
  function curl, curl_easy_setopt
  function curl, curl_easy_strerror
  function curl, curl_free
  function curl, curl_global_init
  function curl, curl_multi_add_handle
  function curl, curl_multi_cleanup
  function curl, curl_multi_info_read
  function curl, curl_multi_init
  function curl, curl_multi_perform
  function curl, curl_multi_poll
  function curl, curl_multi_remove_handle
  function curl, curl_multi_setopt
  function curl, curl_multi_wakeup
  function curl, curl_slist_append
  function curl, curl_slist_free_all
  function curl, curl_url
  function curl, curl_url_cleanup
  function curl, curl_url_get
  function curl, curl_url_set
  function curl, curl_url_strerror
  function curl, curl_version_info

  library pq, "libpq.so.5", "libpq.so"
  function pq, PQcancel
  function pq, PQclear
  function pq, PQconnectdbParams
  function pq, PQconninfoFree
  function pq, PQconninfoParse
  function pq, PQconsumeInput
  function pq, PQerrorMessage
  function pq, PQfinish
  function pq, PQfname
  function pq, PQfreeCancel
  function pq, PQfreemem
  function pq, PQgetCancel
  function pq, PQgetResult
  function pq, PQgetisnull
  function pq, PQgetlength
  function pq, PQgetvalue
  function pq, PQisBusy
  function pq, PQnfields
  function pq, PQntuples
  function pq, PQresultErrorField
  function pq, PQresultStatus
  function pq, PQsendQuery
  function pq, PQsendQueryParams
  function pq, PQsetNoticeProcessor
  function pq, PQsocket
  function pq, PQstatus

  library microhttpd, "libmicrohttpd.so.12", "libmicrohttpd.so"
  function microhttpd, MHD_add_response_header
  function microhttpd, MHD_create_response_from_buffer
  function microhttpd, MHD_create_response_for_upgrade
  function microhttpd, MHD_create_response_from_callback
  function microhttpd, MHD_destroy_response
  function microhttpd, MHD_get_connection_values
  function microhttpd, MHD_get_daemon_info
  function microhttpd, MHD_queue_response
  function microhttpd, MHD_resume_connection
  function microhttpd, MHD_start_daemon
  function microhttpd, MHD_stop_daemon
  function microhttpd, MHD_suspend_connection
  function microhttpd, MHD_upgrade_action

  library archive, "libarchive.so.13", "libarchive.so"
  function archive, archive_entry_filetype
  function archive, archive_entry_free
  function archive, archive_entry_hardlink
  function archive, archive_entry_new
  function archive, archive_entry_pathname
  function archive, archive_entry_pathname_utf8
  function archive, archive_entry_perm
  function archive, archive_entry_set_filetype
  function archive, archive_entry_set_gid
  function archive, archive_entry_set_mtime
  function archive, archive_entry_set_pathname
  function archive, archive_entry_set_perm
  function archive, archive_entry_set_size
  function archive, archive_entry_set_symlink
  function archive, archive_entry_set_uid
  function archive, archive_entry_size
  function archive, archive_entry_symlink
  function archive, archive_errno
  function archive, archive_error_string
  function archive, archive_read_data
  function archive, archive_read_free
  function archive, archive_read_new
  function archive, archive_read_next_header
  function archive, archive_read_open_filename
  function archive, archive_read_open_memory
  function archive, archive_read_support_filter_gzip
  function archive, archive_read_support_format_tar
  function archive, archive_write_add_filter_gzip
  function archive, archive_write_close
  function archive, archive_write_data
  function archive, archive_write_free
  function archive, archive_write_header
  function archive, archive_write_new
  function archive, archive_write_open_fd
  function archive, archive_write_set_bytes_in_last_block
  function archive, archive_write_set_filter_option
  function archive, archive_write_set_format_gnutar

  library crypto, "libcrypto.so.3", "libcrypto.so"
  function crypto, CRYPTO_memcmp
  function crypto, EVP_DigestFinal_ex
  function crypto, EVP_DigestInit_ex
  function crypto, EVP_DigestUpdate
  function crypto, EVP_MD_CTX_free
  function crypto, EVP_MD_CTX_new
  function crypto, EVP_sha1
  function crypto, EVP_sha256
  function crypto, HMAC

  library sodium, "libsodium.so.23", "libsodium.so"
  function sodium, crypto_box_keypair
  function sodium, crypto_box_seal
  function sodium, crypto_box_seal_open
  function sodium, crypto_scalarmult_base
  function sodium, sodium_init

  library sqlite3, "libsqlite3.so.0", "libsqlite3.so"
  function sqlite3, sqlite3_bind_blob
  function sqlite3, sqlite3_bind_double
  function sqlite3, sqlite3_bind_int64
  function sqlite3, sqlite3_bind_null
  function sqlite3, sqlite3_bind_parameter_count
  function sqlite3, sqlite3_bind_text
  function sqlite3, sqlite3_bind_zeroblob
  function sqlite3, sqlite3_busy_timeout
  function sqlite3, sqlite3_changes64
  function sqlite3, sqlite3_clear_bindings
  function sqlite3, sqlite3_close_v2
  function sqlite3, sqlite3_column_blob
  function sqlite3, sqlite3_column_bytes
  function sqlite3, sqlite3_column_count
  function sqlite3, sqlite3_column_double
  function sqlite3, sqlite3_column_int64
  function sqlite3, sqlite3_column_name
  function sqlite3, sqlite3_column_text
  function sqlite3, sqlite3_column_type
  function sqlite3, sqlite3_errmsg
  function sqlite3, sqlite3_errstr
  function sqlite3, sqlite3_exec
  function sqlite3, sqlite3_extended_result_codes
  function sqlite3, sqlite3_finalize
  function sqlite3, sqlite3_get_autocommit
  function sqlite3, sqlite3_last_insert_rowid
  function sqlite3, sqlite3_open_v2
  function sqlite3, sqlite3_prepare_v3
  function sqlite3, sqlite3_reset
  function sqlite3, sqlite3_step

  library yaml, "libyaml-0.so.2", "libyaml.so"
  function yaml, yaml_event_delete
  function yaml, yaml_parser_delete
  function yaml, yaml_parser_initialize
  function yaml, yaml_parser_parse
  function yaml, yaml_parser_set_encoding
  function yaml, yaml_parser_set_input_string

  library resolv, "libresolv.so.2", "libresolv.so"
  function resolv, ns_initparse
  function resolv, ns_parserr
#endif

#if defined(__linux__)
  .section .note.GNU-stack, ""
#endif
