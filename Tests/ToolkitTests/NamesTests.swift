import Concurrency
import Foundation
import Names
import Testing

/// A name server on a loopback UDP port that answers from a table: name → the target of its CNAME, empty for a
/// name without one. Other names do not exist; `silent` is never answered.
private final class NameServer: Sendable {
  let port: Int
  private let socket: Int32

  init(_ names: [String: String]) throws {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
        bind(socket, place, length) == 0 && getsockname(socket, place, &length) == 0
      }
    }
    self.socket = socket
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread {
      var question = [UInt8](repeating: 0, count: 512)
      while true {
        var from = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &from) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            recvfrom(socket, &question, 512, 0, $0, &size)
          }
        }
        guard count > 12 else { return }
        guard let answer = NameServer.answer(Array(question[..<count]), names) else { continue }
        _ = withUnsafeMutablePointer(to: &from) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(socket, answer, answer.count, 0, $0, size)
          }
        }
      }
    }
  }

  deinit {
    shutdown(socket, Int32(SHUT_RDWR))
    close(socket)
  }

  private static func answer(_ question: [UInt8], _ names: [String: String]) -> [UInt8]? {
    var labels: [String] = []
    var place = 12
    while question[place] > 0 {
      let end = place + 1 + Int(question[place])
      labels.append(String(decoding: question[place + 1..<end], as: UTF8.self))
      place = end
    }
    let name = labels.joined(separator: ".").lowercased()
    if name.hasPrefix("silent") { return nil }
    let target = names[name]
    // A response, authoritative; code 3 says that there is no such name.
    let code: UInt8 = target == nil ? 3 : 0
    let records: UInt8 = target?.isEmpty == false ? 1 : 0
    var answer = Array(question[..<2]) + [0x84, code, 0, 1, 0, records, 0, 0, 0, 0]
    answer += question[12..<place + 5]
    guard let target, !target.isEmpty else { return answer }
    var data: [UInt8] = []
    for label in target.split(separator: ".") { data += [UInt8(label.utf8.count)] + Array(label.utf8) }
    data.append(0)
    answer += [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, UInt8(data.count)] + data
    return answer
  }
}

@Suite("Names", .timeLimit(.minutes(5)))
struct NamesTests {
  private func code(_ body: () async throws(NameError) -> Void) async -> NameError.Code? {
    do throws(NameError) {
      try await body()
      return nil
    } catch { return error.code }
  }

  @Test("addresses are those every program gets, each once, in one form")
  func addresses() async throws {
    let found = try await SystemNames().addresses(of: "localhost", within: .seconds(10))
    #expect(found.contains("127.0.0.1") || found.contains("::1"))
    #expect(Set(found).count == found.count)
    #expect(try await SystemNames().addresses(of: "127.0.0.1", within: .seconds(10)) == ["127.0.0.1"])
    #expect(SystemNames.canonical("2001:DB8:0::1") == "2001:db8::1")
    #expect(SystemNames.canonical("127.0.0.1") == "127.0.0.1" && SystemNames.canonical("api") == nil)
  }

  @Test("a CNAME is read from the name server; none, no name and no answer are told apart")
  func aliases() async throws {
    let server = try NameServer(["www.example.com": "cname.vercel-dns.com", "example.com": ""])
    let names = SystemNames(server: ("127.0.0.1", server.port))
    #expect(try await names.alias(of: "www.example.com", within: .seconds(20)) == "cname.vercel-dns.com")
    #expect(try await names.alias(of: "example.com", within: .seconds(20)) == nil)
    let unknown = await code { () throws(NameError) in
      _ = try await names.alias(of: "nothing.example.com", within: .seconds(20))
    }
    #expect(unknown == .notFound)
    let silent = await code { () throws(NameError) in
      _ = try await names.alias(of: "silent.example.com", within: .milliseconds(100))
    }
    #expect(silent == .noAnswer)
  }

  @Test("a look-up that is cancelled ends at once, though the resolver goes on waiting")
  func cancelled() async throws {
    let server = try NameServer([:])
    let names = SystemNames(server: ("127.0.0.1", server.port))
    let task = Task {
      await code { () throws(NameError) in
        _ = try await names.alias(of: "silent.example.com", within: .seconds(600))
      }
    }
    task.cancel()
    #expect(await task.value == .cancelled)
  }
}
