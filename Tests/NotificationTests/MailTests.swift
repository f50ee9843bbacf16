import Concurrency
import Foundation
import JSON
import Processes
import SMTP
import TestSupport
import Testing

/// Mail to a server of another make (aiosmtpd), with encryption and login as it has them.
@Suite(
  .timeLimit(.minutes(2)),
  .enabled("python3-aiosmtpd is not installed") {
    let python = ProcessSpecification(
      "/usr/bin/python3", ["-c", "import aiosmtpd"], environment: ["PATH": "/usr/bin:/bin"])
    let result = try? await Launcher().run(python, timeout: .seconds(60))
    return result?.exit.isSuccess == true
  })
struct MailTests {
  private static let message = MailMessage(
    from: "deploys@example.com", to: ["ops@example.com", "dev@example.com"],
    subject: "shop prod: café is live → yes",
    text: ".a dot first\nfrom = to\n" + String(repeating: "long ", count: 50) + "\ntrailing \n",
    at: Timestamp(milliseconds: 1_787_306_400_000),
    id: "one@example.com", inReplyTo: "zero@example.com")

  /// Prints its port, then each mail as a line of JSON.
  private static let program = """
    import asyncio, json, ssl, sys
    from aiosmtpd.smtp import SMTP, AuthResult
    mode, certificate, key = sys.argv[1:4]
    class Handler:
        async def handle_RCPT(self, server, session, envelope, address, options):
            if mode == "bad-recipient" and address.startswith("dev@"):
                return "550 no such user"
            envelope.rcpt_tos.append(address)
            return "250 OK"
        async def handle_DATA(self, server, session, envelope):
            import email, email.policy
            parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
            print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
              "user": session.auth_data, "subject": parsed["Subject"], "text": parsed.get_content().replace("\\r\\n", "\\n"),
              "id": parsed["Message-ID"], "date": parsed["Date"], "reply": parsed["In-Reply-To"]}), flush=True)
            return "250 OK"
    def authenticate(server, session, envelope, mechanism, data):
        good = data.login == b"shipit" and data.password == b"pass-Secret"
        return AuthResult(success=good, handled=good, auth_data="shipit")
    async def main():
        context = None
        if mode != "no-tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
        arguments = dict(hostname="localhost", tls_context=context, require_starttls=mode != "no-tls")
        if mode not in ("no-auth", "no-tls"):
            arguments.update(authenticator=authenticate, auth_required=True, auth_require_tls=True)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(Handler(), **arguments), "127.0.0.1", 0)
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
    asyncio.run(main())
    """

  private func withServer(
    _ mode: String, _ body: (MailServer, Locked<[JSON]>) async throws -> Void
  ) async throws {
    let scratch = try ScratchDirectory()
    let (key, certificate) = (scratch.path + "/key.pem", scratch.path + "/certificate.pem")
    let made = try await Launcher().run(
      ProcessSpecification(
        "/usr/bin/openssl",
        [
          "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
          "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
          certificate,
        ], environment: ["PATH": "/usr/bin:/bin"]), timeout: .seconds(60))
    try #require(made.exit.isSuccess, "\(made.errorText)")
    let mails = Locked<[JSON]>([])
    let specification = ProcessSpecification(
      "/usr/bin/python3", ["-W", "ignore", "-c", Self.program, mode, certificate, key],
      environment: ["PATH": "/usr/bin:/bin"])
    try await TestChild.with(
      specification,
      ready: { line -> Int? in
        if line.hasPrefix("{"), let mail = try? JSON(parsing: Array(line.utf8)) {
          mails.withLock { $0.append(mail) }
        }
        return line.hasPrefix("port ") ? Int(line.dropFirst(5)) : nil
      }
    ) { port in
      try await body(
        MailServer(
          url: "smtp://localhost:\(port)", user: "shipit", password: "pass-Secret", greeting: "example.com",
          certificateAuthorities: certificate), mails)
    }
    withExtendedLifetime(scratch) {}
  }

  private func until(_ condition: () -> Bool) async throws {
    for _ in 0..<500 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
    #expect(condition())
  }

  @Test func aMailArrivesEncryptedAndWhole() async throws {
    try await withServer("good") { server, mails in
      let receipt = try await MailClient().send(Self.message, by: server, limit: .seconds(20))
      #expect(receipt.refused == 0)
      try await until { mails.withLock { !$0.isEmpty } }
      let mail = mails.withLock { $0[0] }
      #expect(mail["tls"]?.bool == true)
      #expect(mail["user"]?.string == "shipit")
      #expect(mail["to"]?.array == ["ops@example.com", "dev@example.com"])
      #expect(mail["subject"]?.string == Self.message.subject)
      #expect(
        mail["text"]?.string?.trimmingCharacters(in: .newlines)
          == Self.message.text.trimmingCharacters(in: .newlines))
      #expect(mail["id"]?.string == "<one@example.com>")
      #expect(mail["reply"]?.string == "<zero@example.com>")
      #expect(mail["date"]?.string == "Fri, 21 Aug 2026 10:00:00 +0000")
    }
  }

  @Test func withoutEncryptionNothingIsSent() async throws {
    try await withServer("no-tls") { server, mails in
      let error = await failure { try await MailClient().send(Self.message, by: server, limit: .seconds(20)) }
      #expect(error?.code == .tls)
      #expect(error?.message.contains("offers no encryption") == true, "\(error?.message ?? "")")
      #expect(mails.withLock { $0.isEmpty })
    }
  }

  @Test func aForeignCertificateIsRefused() async throws {
    try await withServer("good") { server, mails in
      var other = server
      other.certificateAuthorities = nil
      let error = await failure { try await MailClient().send(Self.message, by: other, limit: .seconds(20)) }
      #expect(error?.code == .tls)
      #expect(mails.withLock { $0.isEmpty })
    }
  }

  /// libcurl alone would send without logging in.
  @Test func aServerThatTakesNoLoginGetsNoMail() async throws {
    try await withServer("no-auth") { server, mails in
      let error = await failure { try await MailClient().send(Self.message, by: server, limit: .seconds(20)) }
      #expect(error?.code == .login, "\(String(describing: error))")
      #expect(mails.withLock { $0.isEmpty })
    }
  }

  @Test func aWrongPasswordIsSaidWithoutIt() async throws {
    try await withServer("good") { server, mails in
      var wrong = server
      wrong.password = "other-Secret"
      let error = await failure { try await MailClient().send(Self.message, by: wrong, limit: .seconds(20)) }
      #expect(error?.code == .login)
      #expect(error?.message.contains("Secret") == false)
      #expect(mails.withLock { $0.isEmpty })
    }
  }

  @Test func oneRefusedRecipientDoesNotKeepTheOthersFromTheirMail() async throws {
    try await withServer("bad-recipient") { server, mails in
      let receipt = try await MailClient().send(Self.message, by: server, limit: .seconds(20))
      #expect(receipt.refused == 1)
      try await until { mails.withLock { !$0.isEmpty } }
      #expect(mails.withLock { $0[0]["to"]?.array } == ["ops@example.com"])
    }
  }

  @Test func nobodyThereAndNobodyAnsweringAreTwoThings() async throws {
    let nobody = MailServer(url: "smtp://127.0.0.1:\(try freeLoopbackPort())")
    let refused = await failure { try await MailClient().send(Self.message, by: nobody, limit: .seconds(20)) }
    #expect(refused?.code == .refused)
    let silent = try SocketServer { connection, _ in connection.waitForEnd() }
    let server = MailServer(url: "smtp://127.0.0.1:\(silent.port)")
    let hung = await failure {
      try await MailClient().send(Self.message, by: server, limit: .milliseconds(300))
    }
    #expect(hung?.code == .timeout)
  }

  /// No line of a text becomes a field, whatever is in it.
  @Test func aHeadHasNoFieldsOfOthers() {
    var message = Self.message
    message.subject = "first\r\nBcc: evil@example.com\nX: y" + String(repeating: "é", count: 200)
    message.id = "x\r\nBcc: evil@example.com"
    let text = String(decoding: message.bytes, as: UTF8.self)
    let lines = text.components(separatedBy: "\r\n")
    #expect(!lines.contains { $0.hasPrefix("Bcc") || $0.hasPrefix("X:") })
    #expect(!text.replacingOccurrences(of: "\r\n", with: "").contains("\n"))
    #expect(lines.allSatisfy { $0.utf8.count <= 998 })
  }

  private func failure(_ body: () async throws -> MailReceipt) async -> MailError? {
    do {
      _ = try await body()
      Issue.record("it was sent")
      return nil
    } catch {
      return error as? MailError
    }
  }
}
