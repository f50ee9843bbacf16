import CSystem
import Concurrency

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The system's own resolver: `getaddrinfo` for addresses, so that `/etc/hosts` and the like count, and
/// `res_nquery` for CNAME records, which only name servers know. Both block, on threads of their own.
package struct SystemNames: NameLookup {
  /// A name server to ask for CNAME records instead of the system's: an IPv4 address and a port.
  private let server: (address: String, port: Int)?

  package init(server: (address: String, port: Int)? = nil) { self.server = server }

  package func addresses(of name: String, within timeout: Duration) async throws(NameError) -> [String] {
    let found = try await SystemNames.within(timeout, name) { SystemNames.look(up: name) }
    return try found.get()
  }

  package func alias(of name: String, within timeout: Duration) async throws(NameError) -> String? {
    let server = server
    let found = try await SystemNames.within(timeout, name) { SystemNames.cname(of: name, server) }
    return try found.get()
  }

  /// An address in the form `addresses` gives it; nil when the text is none.
  package static func canonical(_ address: String) -> String? {
    for (family, size) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: size)
      guard inet_pton(family, address, &bytes) == 1 else { continue }
      var text = [CChar](repeating: 0, count: 64)
      guard inet_ntop(family, &bytes, &text, socklen_t(text.count)) != nil else { continue }
      return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    return nil
  }

  // MARK: Waiting

  private static func within<Value: Sendable>(
    _ timeout: Duration, _ name: String, _ work: @escaping @Sendable () -> Value
  ) async throws(NameError) -> Value {
    let found = await withTaskGroup(of: Value?.self) { group in
      group.addTask { await OwnThread.runAbandonable(work) }
      group.addTask {
        try? await Task.sleep(for: timeout)
        return nil
      }
      let first = await group.next()
      group.cancelAll()
      return first.flatMap { $0 }
    }
    if let found { return found }
    if Task.isCancelled { throw NameError(code: .cancelled, message: "the look-up of \(name) was cancelled") }
    throw NameError(
      code: .noAnswer, message: "no name server answered for \(name) within \(timeout.inSeconds) s")
  }

  // MARK: On the thread

  private static func look(up name: String) -> Result<[String], NameError> {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    #if canImport(Darwin)
      hints.ai_socktype = SOCK_STREAM
    #else
      hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    #endif
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(name, nil, &hints, &list)
    guard status == 0 else {
      let words = "\(name): \(String(cString: gai_strerror(status)))"
      switch status {
      case EAI_NONAME, noAddress: return .failure(NameError(code: .notFound, message: words))
      case EAI_AGAIN: return .failure(NameError(code: .noAnswer, message: words))
      default: return .failure(NameError(code: .other, message: words))
      }
    }
    defer { freeaddrinfo(list) }
    var addresses: [String] = []
    var next = list
    while let entry = next {
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let isWritten =
        getnameinfo(
          entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
          NI_NUMERICHOST) == 0
      let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if isWritten, !addresses.contains(address) { addresses.append(address) }
      next = entry.pointee.ai_next
    }
    return .success(addresses)
  }

  /// EAI_NODATA: the name exists without an address. Glibc shows it to GNU sources only.
  private static let noAddress: Int32 = {
    #if canImport(Darwin)
      7
    #else
      -5
    #endif
  }()

  private static func cname(
    of name: String, _ server: (address: String, port: Int)?
  ) -> Result<String?, NameError> {
    var target = [CChar](repeating: 0, count: 1025)
    let status = system_cname(name, server?.address, Int32(server?.port ?? 53), &target, Int32(target.count))
    switch status {
    case Int32(SYSTEM_NAME_FOUND):
      let text = String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return .success(text.hasSuffix(".") ? String(text.dropLast()) : text)
    case Int32(SYSTEM_NAME_NO_RECORD): return .success(nil)
    case Int32(SYSTEM_NAME_UNKNOWN):
      return .failure(NameError(code: .notFound, message: "\(name): there is no such name"))
    case Int32(SYSTEM_NAME_NO_ANSWER):
      return .failure(NameError(code: .noAnswer, message: "\(name): no name server answered"))
    default: return .failure(NameError(code: .other, message: "\(name): the answer cannot be read"))
    }
  }
}
