package import Concurrency
package import HTTP

/// A bucket of S3, or of a store that speaks its protocol. A request that a moment later may get another answer is sent
/// again, signed anew: each of them may be sent twice.
package struct ObjectStorage: Sendable {
  /// Where a bucket is.
  package struct Place: Sendable, Hashable {
    package var bucket: String
    package var region: String
    /// Scheme and host, without a slash at the end.
    package var endpoint: String
    /// The bucket stands in the path, not in the host's name.
    package var isInPath: Bool

    package init(bucket: String, region: String, endpoint: String, isInPath: Bool) {
      self.bucket = bucket
      self.region = region
      self.endpoint = endpoint
      self.isInPath = isInPath
    }
  }

  /// What a bucket holds under a key.
  package struct Object: Sendable, Hashable {
    package var key: String
    package var bytes: Int64
  }

  package let place: Place
  let transport: any HTTPTransport
  let clock: any TimeSource
  private let credentials: Credentials
  private let signature: Signature

  package init(
    _ place: Place, credentials: Credentials, transport: any HTTPTransport, clock: any TimeSource
  ) {
    self.place = place
    self.credentials = credentials
    self.transport = transport
    self.clock = clock
    signature = Signature(region: place.region, service: "s3")
  }

  /// How often a request is sent at most.
  static let attempts = 5

  // MARK: Whole objects

  /// Writes a small object, whole or not at all.
  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  package func put(_ key: String, _ bytes: [UInt8]) async throws {
    _ = try await send(Call("PUT", key, body: bytes))
  }

  /// Reads a small object.
  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  package func get(_ key: String) async throws -> [UInt8] { try await send(Call("GET", key)).body }

  /// Removes an object; one that is not there is no error.
  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  package func delete(_ key: String) async throws { _ = try await send(Call("DELETE", key)) }

  /// The objects whose key begins so, in the order of their keys.
  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  package func list(_ prefix: String) async throws -> [Object] {
    var found: [Object] = []
    var next: String?
    repeat {
      var query = [("list-type", "2"), ("prefix", prefix)]
      if let next { query.append(("continuation-token", next)) }
      let text = try await send(Call("GET", "", query: query)).text
      found += XMLText.all("Contents", in: text).compactMap { entry in
        XMLText.first("Key", in: entry).map {
          Object(key: $0, bytes: XMLText.first("Size", in: entry).flatMap(Int64.init) ?? 0)
        }
      }
      next =
        XMLText.first("IsTruncated", in: text) == "true"
        ? XMLText.first("NextContinuationToken", in: text) : nil
    } while next != nil
    return found
  }

  /// Reads an object of any size in pieces. A connection that breaks is made again, and goes on where it broke.
  /// - Parameter take: given each piece; the next is read when it returns.
  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`; what `take` throws.
  package func read(_ key: String, _ take: ([UInt8]) async throws -> Void) async throws {
    var offset: Int64 = 0
    var tag: String?
    var attempt = 1
    while true {
      let before = offset
      do {
        try Task.checkCancellation()
        var call = Call("GET", key)
        if offset > 0 { call.headers.append(("range", "bytes=\(offset)-")) }
        // Another one in its place would be half of each.
        if let tag { call.headers.append(("if-match", tag)) }
        var request = request(call)
        request.headers.append(("accept-encoding", "identity"))
        request.timeout = .seconds(24 * 3600)
        request.stallTimeout = .seconds(60)
        let answer = try await transport.stream(request)
        guard answer.status == (offset > 0 ? 206 : 200) else {
          var body: [UInt8] = []
          for try await piece in answer.body where body.count < 64 << 10 { body += piece }
          throw ObjectStorage.refusal(
            HTTPResponse(status: answer.status, headers: answer.headers, body: body))
        }
        tag = tag ?? answer.headers.first { $0.name.lowercased() == "etag" }?.value
        for try await piece in answer.body {
          offset += Int64(piece.count)
          try await take(piece)
        }
        return
      } catch {
        // What came counts: a long way may break more often than a short one.
        if offset > before { attempt = 1 }
        guard ObjectStorage.isTransient(error), attempt < ObjectStorage.attempts else { throw error }
        try await pause(attempt, after: nil)
        attempt += 1
      }
    }
  }

  // MARK: Requests

  struct Call {
    var method: String
    var key: String
    var query: [(String, String)]
    var headers: [(name: String, value: String)] = []
    var body: [UInt8]
    /// Of one attempt.
    var timeout: Duration = .seconds(30)
    var attempts = ObjectStorage.attempts

    init(_ method: String, _ key: String, query: [(String, String)] = [], body: [UInt8] = []) {
      self.method = method
      self.key = key
      self.query = query
      self.body = body
    }
  }

  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  func send(_ call: Call) async throws -> HTTPResponse {
    var attempt = 1
    while true {
      var wait: Int?
      do {
        try Task.checkCancellation()
        let response = try await transport.send(request(call))
        wait = response.header("retry-after").flatMap(Int.init)
        // A completed upload answers 200 at once, and perhaps with an error in the end.
        guard (200..<300).contains(response.status), XMLText.first("Error", in: response.text) == nil else {
          throw ObjectStorage.refusal(response)
        }
        return response
      } catch {
        guard ObjectStorage.isTransient(error), attempt < call.attempts else { throw error }
      }
      try await pause(attempt, after: wait)
      attempt += 1
    }
  }

  private func pause(_ attempt: Int, after seconds: Int?) async throws {
    let pause = Duration.milliseconds(100 << attempt) * Double.random(in: 0.5...1)
    try await clock.sleep(for: max(pause, .seconds(min(seconds ?? 0, 30))))
  }

  private func request(_ call: Call) -> HTTPRequest {
    let parts = place.endpoint.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true)
    let scheme = parts.first ?? "https:"
    let authority = parts.dropFirst().first ?? ""
    let host = place.isInPath ? "\(authority)" : "\(place.bucket).\(authority)"
    let key = Signature.encode(call.key, sparing: "/")
    let path = place.isInPath ? "/\(place.bucket)" + (key.isEmpty ? "" : "/\(key)") : "/\(key)"
    let query = call.query.map { "\($0.0)=\(Signature.encode($0.1))" }.joined(separator: "&")
    let signed = signature.headers(
      for: .init(
        method: call.method, path: path, query: query, headers: call.headers + [("host", host)]),
      payload: call.body.isEmpty ? Signature.emptyPayload : Signature.payload(of: call.body),
      by: credentials, at: clock.now)
    return HTTPRequest(
      method: call.method, url: "\(scheme)//\(host)\(path)" + (query.isEmpty ? "" : "?\(query)"),
      headers: call.headers + signed, body: .bytes(call.body), timeout: call.timeout)
  }

  static func refusal(_ response: HTTPResponse) -> AWSRefusal {
    let text = response.text
    var message = XMLText.first("Message", in: text) ?? ""
    let region = response.header("x-amz-bucket-region") ?? XMLText.first("Region", in: text)
    if let region { message += (message.isEmpty ? "" : "; ") + "the bucket is in \(region)" }
    let standard = [301: "PermanentRedirect", 403: "AccessDenied", 404: "NoSuchKey"][response.status]
    return AWSRefusal(
      status: response.status,
      code: XMLText.first("Code", in: text) ?? standard ?? "status \(response.status)",
      message: String(message.prefix(300)))
  }

  static func isTransient(_ error: any Error) -> Bool {
    if let refusal = error as? AWSRefusal { return refusal.isTransient }
    guard let error = error as? HTTPError else { return false }
    return [.connectionLost, .timeout, .refused, .nameNotFound].contains(error.code)
  }
}
