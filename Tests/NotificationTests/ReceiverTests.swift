import Concurrency
import Crypto
import Foundation
import HTTP
import JSON
import Model
import SMTP
import TestSupport
import Testing
import Twin

@testable import Notifications

/// What each receiver is sent, event by event.
@Suite struct ReceiverTests {
  private static let http: [(String, NotificationTarget)] = [
    ("slack", Sample.slack), ("slack-app", Sample.slackApp), ("discord", Sample.discord),
    ("webhook", Sample.webhook),
  ]

  @Test(arguments: http.map(\.0))
  func eachEventIsSentSo(_ name: String) throws {
    let target = try #require(Self.http.first { $0.0 == name }?.1)
    let text = try VirtualTime(start: Sample.start).run { clock, _ in
      let transport = ScriptedTransport { _ in
        .text(200, #"{"ok":true,"channel":"C0123","ts":"1.2","id":"77"}"#)
      }
      let declared = DeclaredReceiver.all(
        [target], secrets: Sample.secrets,
        parts: NoticeParts(http: transport, mail: NoMail(), clock: clock, slackURL: Sample.base))
      let receiver = try #require(declared[0].receiver)
      var text = ""
      for event in Notice.Event.allCases {
        // Where it can be, the beginning is replaced by the result.
        let earlier = receiver.canEdit && event == .released ? (name == "discord" ? "77" : "C0123/1.2") : nil
        _ = try await receiver.send(Sample.notice(event), replacing: earlier, limit: .seconds(5))
        let request = try #require(transport.requests.last)
        guard case .bytes(let body) = request.body else {
          throw HTTPError(code: .other, message: "", nothingSent: true)
        }
        let secret = Sample.secrets.values.map { $0.reveal() }.filter { $0.hasPrefix("http") }
        let url = secret.reduce(request.url) { $0.replacingOccurrences(of: $1, with: "‹address›") }
        let headers = request.headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
          .replacingOccurrences(of: "xoxb-bot-Secret", with: "‹token›")
        text +=
          "=== \(event.rawValue)\n\(request.method) \(url)\n\(headers)\n\(try JSON(parsing: body).serialized(pretty: true))\n"
      }
      return text
    }
    try expectGolden("\(name).txt", text)
  }

  @Test func eachEventIsMailedSo() async throws {
    let mail = MailBox()
    let declared = DeclaredReceiver.all(
      [Sample.email], secrets: Sample.secrets,
      parts: NoticeParts(
        http: ScriptedTransport { _ in .text(500, "") }, mail: mail, clock: SystemClock(), slackURL: ""))
    let receiver = try #require(declared[0].receiver)
    for event in Notice.Event.allCases {
      _ = try await receiver.send(
        Sample.notice(event), replacing: event == .released ? "first@x" : nil, limit: .seconds(5))
    }
    let text = mail.mails.map {
      String(decoding: $0.bytes, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
    }
    try expectGolden("email.txt", text.joined(separator: "===\n"))
  }

  /// Whatever the texts, each service takes the message as it is: no second, shorter try.
  @Test(arguments: http.map(\.0))
  func theLongestNoticeFits(_ name: String) throws {
    let target = try #require(Self.http.first { $0.0 == name }?.1)
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      var notice = Sample.notice(.failed)
      for piece in ["*_~`[]()<>@#|\\", "👩‍👩‍👧‍👦é", "<!channel>", "long "] {
        let long = String(repeating: piece, count: 3000)
        notice.headline = long
        notice.subject = long
        notice.by = long
        notice.reason = long
        notice.problem = long + "\n" + long
        notice.next = long
        notice.services = (0..<200).map {
          Notice.Service(name: "\($0)" + long, from: long, to: long, note: long)
        }
        let receiver = try #require(receivers.declared([target])[0].receiver)
        _ = try await receiver.send(notice, replacing: nil, limit: .seconds(5))
        try await clock.sleep(for: .seconds(10))
      }
      #expect(await receivers.twin.messages.count == 4 || name == "webhook")
      let operations = ["chat.postMessage", "hook", "discord", "webhook"]
      var calls = 0
      for operation in operations { calls += await receivers.twin.count(of: operation) }
      #expect(calls == 4)
    }
  }

  @Test func aForeignTextMentionsNobody() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      var notice = Sample.notice(.released)
      notice.subject = "<!channel> <@U1> @everyone [win](https://evil.example)"
      let line = await receivers.notifier([Sample.slack, Sample.slackApp, Sample.discord]).finish([notice])
      #expect(line == nil)
      for body in await receivers.twin.received {
        let json = try JSON(parsing: Array(body.utf8))
        #expect(json["text"]?.string?.contains("<!") != true)
        for block in json["blocks"]?.array ?? [] { #expect(block["text"]?["type"]?.string != "mrkdwn") }
        let description = json["embeds"]?[0]?["description"]?.string
        #expect(description?.contains("[win]") != true)
        #expect(description?.contains("<@U1>") != true)
      }
    }
  }

  /// The vector of the contract, made by another implementation.
  @Test func theSignatureIsThatOfStandardWebhooks() throws {
    let body = Array(
      #"{"type":"deploy.succeeded","timestamp":"2023-11-14T22:13:20Z","data":{"run":"r1"}}"#.utf8)
    let key = try #require(SignedWebhook.bytes(of: Sensitive(Sample.key)))
    #expect(
      SignedWebhook.signature(id: "msg_1", timestamp: "1700000000", body: body, key: key)
        == "v1,DZ6YJcKUFdTNH2NuXHBB0h1kczoRfNvd+Q8Ll7W8ESk=")
    for wrong in ["whsec_", "whsec_AAAA", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_%%%"] {
      #expect(SignedWebhook.bytes(of: Sensitive(wrong)) == nil)
    }
  }

  @Test func twoKeysSignTwice() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      var secrets = Sample.secrets
      // The receiver does not know the new one yet.
      secrets["NEW_KEY"] = Sensitive("whsec_" + Base64.encode([UInt8](repeating: 7, count: 32)))
      let target = NotificationTarget(.webhook(urlSecret: "HOOK_URL", keySecrets: ["NEW_KEY", "HOOK_KEY"]))
      let receiver = try #require(receivers.declared([target], secrets: secrets)[0].receiver)
      _ = try await receiver.send(Sample.notice(.released), replacing: nil, limit: .seconds(5))
      #expect(await receivers.twin.messages.map(\.place) == ["ops"])
    }
  }

  @Test(arguments: [
    ("http://hooks.slack.com/services/T/B/x", Examination.Verdict.bad), ("nonsense", .bad),
    ("https://hooks.slack.com/other", .bad), ("https://acme.webhook.office.com/services/x", .bad),
    ("https://example.com/services/T/B/x", .warning), ("https://hooks.slack.com/services/T/B/x", .good),
    ("https://hooks.slack.com@evil.example/services/", .bad),
  ])
  func doctorLooksAtAnAddressWithoutAskingIt(_ address: String, _ verdict: Examination.Verdict) async {
    let transport = ScriptedTransport { _ in .text(200, "ok") }
    let declared = DeclaredReceiver.all(
      [Sample.slack], secrets: ["SLACK_WEBHOOK": Sensitive(address)],
      parts: NoticeParts(http: transport, mail: NoMail(), clock: SystemClock(), slackURL: ""))
    let found = await declared[0].examine()
    #expect(found.verdict == verdict)
    #expect(!"\(found)".contains(address))
    #expect(transport.requests.isEmpty)
  }

  @Test func doctorNamesASecretThatIsNotSet() async {
    let declared = DeclaredReceiver.all(
      [Sample.webhook], secrets: [:],
      parts: NoticeParts(
        http: ScriptedTransport { _ in .text(200, "ok") }, mail: NoMail(), clock: SystemClock(), slackURL: "")
    )
    let found = await declared[0].examine()
    #expect(found.verdict == .bad)
    #expect(found.detail == "HOOK_URL and HOOK_KEY is not set: nobody would be told")
  }
}

/// Nobody is written to.
struct NoMail: MailTransport {
  func send(_ message: MailMessage, by server: MailServer, limit: Duration) async throws(MailError)
    -> MailReceipt
  {
    MailReceipt(refused: 0)
  }
}

/// Keeps what is sent.
final class MailBox: MailTransport {
  private let kept = Locked<[MailMessage]>([])
  var mails: [MailMessage] { kept.withLock { $0 } }

  func send(_ message: MailMessage, by server: MailServer, limit: Duration) async throws(MailError)
    -> MailReceipt
  {
    kept.withLock { $0.append(message) }
    return MailReceipt(refused: 0)
  }
}
