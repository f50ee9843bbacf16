package import Concurrency
package import JSON

/// One request to a public path, without any secret.
package struct RequestRecord: Sendable {
  package var number: Int
  package var time: Timestamp
  package var method: String
  package var path: String
  /// The operation's name as sent, or `upload`.
  package var operation: String?
  package var rootFields: [String]
  /// The service it is about, by name when known.
  package var service: String?
  /// Values of variables of services are replaced by a fingerprint.
  package var variables: JSON
  package var headerNames: [String]
  package var userAgent: String?
  package var tokenKind: String?
  /// The status answered; 0 when the connection was cut.
  package var status: Int
  package var fault: String?
}

/// What was asked, in order, with counters that only grow.
struct RequestLog: Sendable {
  private(set) var records: [RequestRecord] = []
  /// By operation name, root field and `upload`.
  private(set) var counts: [String: Int] = [:]
  /// The same per service: `NAME service`.
  private(set) var countsByService: [String: [String: Int]] = [:]
  private var next = 1

  mutating func add(_ record: RequestRecord) {
    var record = record
    record.number = next
    next += 1
    records.append(record)
    if records.count > 20_000 { records.removeFirst(10_000) }
    for name in Set([record.operation].compactMap { $0 } + record.rootFields) {
      counts[name, default: 0] += 1
      if let service = record.service { countsByService[name, default: [:]][service, default: 0] += 1 }
    }
  }

  /// Variables with every value that may be secret replaced; equal values keep equal fingerprints while
  /// the process lives.
  static func redacted(_ variables: JSON) -> JSON {
    guard var members = variables.object else { return variables }
    for (name, value) in members {
      switch name {
      case "variables":
        members[name] = .object((value.object ?? [:]).mapValues(fingerprint))
      case "value", "password", "registryCredentials": members[name] = fingerprint(value)
      default: members[name] = redacted(value)
      }
    }
    return .object(members)
  }

  /// A keyed fingerprint: the key is drawn anew by each process.
  static func fingerprint(_ value: JSON) -> JSON {
    if value.isNull { return .null }
    var hasher = Hasher()
    hasher.combine(value)
    return .string("fingerprint:" + String(UInt64(bitPattern: Int64(hasher.finalize())), radix: 16))
  }
}

extension RequestRecord {
  /// The record as the control surface shows it.
  var json: JSON {
    [
      "number": .int(Int64(number)), "time": .string(time.iso8601), "method": .string(method),
      "path": .string(path), "operation": operation.map(JSON.string) ?? .null,
      "rootFields": .array(rootFields.map(JSON.string)), "service": service.map(JSON.string) ?? .null,
      "variables": variables, "headers": .array(headerNames.map(JSON.string)),
      "userAgent": userAgent.map(JSON.string) ?? .null, "token": tokenKind.map(JSON.string) ?? .null,
      "status": .int(Int64(status)), "fault": fault.map(JSON.string) ?? .null,
    ]
  }
}
