internal import CCurl

extension HTTPError {
  /// What a failed transfer means to the caller.
  /// - Parameters:
  ///   - words: libcurl's own message; its general one is used when this is empty.
  ///   - began: whether libcurl had a connection and started to send the request.
  init(curl code: CURLcode, words: String, place: String, began: Bool) {
    let text = words.isEmpty ? String(cString: curl_easy_strerror(code)) : words
    self.init(
      code: HTTPError.kind(of: code, began: began), message: "\(place): \(text)", nothingSent: !began)
  }

  private static func kind(of code: CURLcode, began: Bool) -> Code {
    switch code {
    case CURLE_URL_MALFORMAT: .badURL
    // After the request it means an answer that is not HTTP/1 or later.
    case CURLE_UNSUPPORTED_PROTOCOL: began ? .other : .badURL
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .nameNotFound
    case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED: .refused
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
      CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CLIENTCERT:
      .tls
    case CURLE_OPERATION_TIMEDOUT: .timeout
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2,
      CURLE_HTTP2_STREAM, CURLE_ABORTED_BY_CALLBACK:
      .connectionLost
    case CURLE_FILESIZE_EXCEEDED: .bodyTooLarge
    default: .other
    }
  }
}
