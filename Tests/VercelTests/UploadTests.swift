import Archive
import Concurrency
import Crypto
import Foundation
import HTTP
import HTTPServer
import JSON
import Model
import TestSupport
import Testing

@testable import Vercel

/// Many files over real sockets.
@Suite(.timeLimit(.minutes(5))) struct UploadTests {
  /// Packs files made on the fly, so that the test itself holds none of them.
  private struct Generator: SourcePacker {
    let scratch: ScratchDirectory
    var files: Int
    var size: Int

    static func bytes(_ index: Int, size: Int) -> [UInt8] {
      let mark = Array("file \(index)\n".utf8)
      return mark + [UInt8](repeating: UInt8(index % 251), count: size - mark.count)
    }

    func pack(path: String, root: String?, include: [String], commit: String) async throws(Failure)
      -> PackedSource
    {
      let file = scratch.path + "/source.tar.gz"
      do {
        let archive = try ArchiveWriter(to: file)
        for index in 0..<files {
          try archive.addFile("d\(index % 50)/f\(index).bin", bytes: Generator.bytes(index, size: size))
        }
        try archive.finish()
      } catch { throw Failure(.failed, "\(error)") }
      return PackedSource(file: file, bytes: files * size, files: files, digest: "d")
    }
  }

  /// What the process holds in memory now, in KiB.
  private static func resident() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return line.flatMap { $0.split(separator: " ").dropLast().last }.flatMap { Int($0) } ?? 0
  }

  /// An API that wants every file, checks each against its digest, and watches the memory.
  private final class Server: Sendable {
    struct Seen {
      var digests: Set<String> = []
      var wrong = 0
      var atOnce = 0
      var most = 0
      var first = 0
      var peak = 0
    }

    let seen = Locked(Seen())

    func answer(_ request: ServerRequest) async -> ServerResponse {
      func json(_ status: Int, _ body: JSON) -> ServerResponse {
        ServerResponse(status: status, body: .bytes(Array(body.serialized().utf8)))
      }
      switch (request.method, request.path) {
      case ("POST", "/v13/deployments"):
        let wanted = ((try? JSON(parsing: request.body))?["files"]?.array ?? []).compactMap {
          $0["sha"]?.string
        }
        let missing = seen.withLock { seen in wanted.filter { !seen.digests.contains($0) } }
        if missing.isEmpty { return json(200, Sample.deployment("dpl_new")) }
        return json(
          400,
          [
            "error": [
              "code": "missing_files", "message": "Missing", "missing": .array(missing.map { .string($0) }),
            ]
          ])
      case ("POST", "/v2/files"):
        let digest = SHA1.hex(of: request.body)
        let count = seen.withLock { seen in
          if digest != request.header("x-vercel-digest") { seen.wrong += 1 }
          seen.digests.insert(digest)
          seen.atOnce += 1
          seen.most = max(seen.most, seen.atOnce)
          return seen.digests.count
        }
        if count % 50 == 1 {
          let now = UploadTests.resident()
          seen.withLock { seen in
            if seen.first == 0 { seen.first = now }
            seen.peak = max(seen.peak, now)
          }
        }
        await Task.yield()
        seen.withLock { $0.atOnce -= 1 }
        return json(200, ["urls": []])
      default: return json(200, Sample.deployment("dpl_new", substate: "STAGED"))
      }
    }
  }

  @Test("many files are uploaded one by one, several at once, in bounded memory")
  func many() async throws {
    // 128 MiB and more either way; the long run has the number of files of the promise.
    let (files, size) = Checkout.isLong ? (5000, 32 << 10) : (500, 256 << 10)
    let api = Server()
    let server = try HTTPServer { await api.answer($0) }
    defer { server.stop() }
    let http = HTTPClient()
    defer { http.close() }
    let packer = Generator(scratch: try ScratchDirectory(), files: files, size: size)
    let clock = SystemClock()
    let platform = VercelPlatform(
      baseURL: "http://127.0.0.1:\(server.port)", http: http, clock: clock, token: Sensitive("t"),
      secrets: SecretValues(), packer: packer, temporaryDirectory: packer.scratch.path, random: { 0.5 })
    let call = StepCall(
      run: Sample.facts, attempt: 1, beganAt: clock.now, deadline: clock.now + .seconds(600))
    let outcome = await platform.perform(Sample.step(.deploy(Sample.request())), call)
    #expect(outcome.word == "done", "\(outcome.failure?.description ?? "")")
    let seen = api.seen.withLock { $0 }
    #expect(seen.digests.count == files && seen.wrong == 0)
    #expect(seen.most > 1)
    if Checkout.isAddressSanitized {
      print("SKIPPED the bound of memory: AddressSanitizer keeps what was freed")
    } else {
      #expect(seen.first > 0 && seen.peak - seen.first < 64 << 10, "it grew by \(seen.peak - seen.first) KiB")
    }
    // Everything unpacked has gone away again.
    #expect(try FileManager.default.contentsOfDirectory(atPath: packer.scratch.path).isEmpty)
  }
}
