import Concurrency
import JSON

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Writes every exchange with a platform's API as one line of JSON, values of variables included: for tests with dummy
/// secrets only.
package final class Recording: Sendable {
  private let descriptor: Int32

  /// - Throws: `Refusal` when the file cannot be created (mode 0600).
  package init(path: String) throws {
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw Refusal("cannot write the recording \(path): \(String(cString: strerror(errno)))")
    }
  }

  deinit { close(descriptor) }

  func add(query: String, operation: String?, variables: JSON, response: JSON) {
    let line: JSON = [
      "query": .string(query), "operationName": operation.map(JSON.string) ?? .null, "variables": variables,
      "response": response,
    ]
    add(line)
  }

  /// Adds an exchange of a REST API; the lines of Railway have no `platform`.
  func add(
    platform: String, method: String, path: String, query: [(name: String, value: String)], request: JSON,
    status: Int, response: JSON
  ) {
    let fields = Dictionary(
      query.map { ($0.name, JSON.string($0.value)) }, uniquingKeysWith: { _, last in last })
    add([
      "platform": .string(platform), "method": .string(method), "path": .string(path),
      "query": .object(fields),
      "request": request, "status": .int(Int64(status)), "response": response,
    ])
  }

  private func add(_ line: JSON) {
    // One write per line: O_APPEND keeps lines of several requests apart.
    let bytes = Array((line.serialized() + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  }
}
