import Concurrency
import Foundation
import JSON
import Model
import Notifications
import Redaction
import TestSupport
import Testing
import Twin

/// A run and its messages, with receivers that fail in every way. Minutes pass in no time.
@Suite struct NotifierTests {
  private static let all = [Sample.slack, Sample.slackApp, Sample.discord, Sample.webhook]

  @Test func aRunIsOneMessageThatBecomesTheResult() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      let notifier = receivers.notifier(Self.all)
      notifier.tell(Sample.notice(.started))
      try await clock.sleep(for: .seconds(60))
      let begun = await receivers.twin.messages
      // What cannot be changed says nothing yet.
      #expect(begun.map(\.service) == ["slack", "discord"])
      #expect(begun.allSatisfy { $0.text.contains("deploying release 12") })
      let began = clock.now
      #expect(await notifier.finish([Sample.notice(.released)]) == nil)
      #expect(clock.now - began < .milliseconds(100))
      let ended = await receivers.twin.messages
      #expect(Set(ended.map(\.service)) == ["slack", "discord", "hook", "webhook"])
      #expect(ended.count == 4)
      for message in ended {
        #expect(message.text.contains("release 12 is live"), "\(message)")
        #expect(!message.text.contains("deploying"))
        #expect(message.edits == (["slack", "discord"].contains(message.service) ? 1 : 0))
      }
    }
  }

  @Test func aRunThatEndsAtOnceIsStillOneMessage() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      try await receivers.twin.add(["fault": "delay-answer", "seconds": 0.5, "count": "always"])
      let notifier = receivers.notifier([Sample.discord, Sample.slackApp])
      notifier.tell(Sample.notice(.started))
      try await clock.sleep(for: .milliseconds(10))
      #expect(await notifier.finish([Sample.notice(.failed)]) == nil)
      let messages = await receivers.twin.messages
      #expect(messages.map(\.edits) == [1, 1])
      #expect(messages.allSatisfy { $0.text.contains("a person is needed") })
    }
  }

  @Test func onlyWhatIsAskedForIsTold() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      var target = Sample.slackApp
      target.events = [.failed]
      let notifier = receivers.notifier([target])
      notifier.tell(Sample.notice(.started))
      try await clock.sleep(for: .seconds(1))
      #expect(await notifier.finish([Sample.notice(.released)]) == nil)
      #expect(await receivers.twin.messages.isEmpty)
      // Who was told that a run began is told how it ended, whatever that is.
      target.events = [.started]
      let other = receivers.notifier([target])
      other.tell(Sample.notice(.started))
      try await clock.sleep(for: .seconds(1))
      #expect(await other.finish([Sample.notice(.released)]) == nil)
      #expect(await receivers.twin.messages.map(\.edits) == [1])
    }
  }

  @Test(
    arguments: [
      ["fault": "refuse"], ["fault": "hang"], ["fault": "status", "status": 500],
      ["fault": "rate-limited", "retryAfter": 30], ["fault": "rate-limited", "retryAfter": 1],
      ["fault": "cut"], ["fault": "delay", "seconds": 60], ["fault": "edge-rate-limited"],
      ["fault": "status", "status": 410], ["fault": "status", "status": 302], ["fault": "not-json"],
    ] as [JSON])
  func deadReceiversCostTwoSecondsTogetherAndOneLine(_ fault: JSON) throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      var always = fault.object ?? [:]
      always["count"] = "always"
      try await receivers.twin.add(.object(always))
      let notifier = receivers.notifier(Self.all)
      notifier.tell(Sample.notice(.started))
      try await clock.sleep(for: .seconds(30))
      let began = clock.now
      let line = await notifier.finish([Sample.notice(.released)])
      #expect(clock.now - began <= .seconds(2))
      // A webhook's 200 with any body is a success, and so is Discord's, which then gives no id.
      let silent = fault["fault"]?.string == "not-json"
      for name in ["slack-app (#deploys)"]
        + (silent ? [] : ["slack (SLACK_WEBHOOK)", "discord (DISCORD_WEBHOOK)", "webhook (HOOK_URL)"])
      {
        #expect(line?.contains(name) == true, "\(line ?? "nothing")")
      }
      #expect(line?.contains("\n") == false)
      #expect(line?.contains("Secret") == false)
    }
  }

  @Test func whoIsOnlyBusyIsToldInTheEnd() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      try await receivers.twin.add(["fault": "rate-limited", "retryAfter": 1, "operation": "hook"])
      try await receivers.twin.add(["fault": "status", "status": 502, "operation": "discord"])
      try await receivers.twin.add(["fault": "refuse", "operation": "webhook"])
      try await receivers.twin.add([
        "fault": "error", "code": "internal_error", "operation": "chat.postMessage",
      ])
      #expect(await receivers.notifier(Self.all).finish([Sample.notice(.released)]) == nil)
      #expect(await receivers.twin.messages.count == 4)
    }
  }

  /// The message was taken and the answer lost: only who knows it again is asked again.
  @Test func aLostAnswerDoublesNothing() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      for operation in ["hook", "discord", "webhook", "chat.postMessage"] {
        try await receivers.twin.add(["fault": "cut", "operation": .string(operation)])
      }
      let line = await receivers.notifier(Self.all).finish([Sample.notice(.released)])
      #expect(line?.contains("webhook (HOOK_URL)") == false)
      #expect(line?.contains("discord (DISCORD_WEBHOOK): the connection broke") == true)
      let messages = await receivers.twin.messages
      #expect(messages.count == 4)
      #expect(messages.first { $0.service == "webhook" }?.deliveries == 2)
    }
  }

  @Test func aMessageThatSomebodyDeletedIsPostedAnew() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      let notifier = receivers.notifier([Sample.slackApp, Sample.discord])
      notifier.tell(Sample.notice(.started))
      try await clock.sleep(for: .seconds(5))
      for message in await receivers.twin.messages { await receivers.twin.delete(message.id) }
      #expect(await notifier.finish([Sample.notice(.released)]) == nil)
      #expect(await receivers.twin.messages.map(\.edits) == [0, 0])
    }
  }

  @Test func blocksThatAreRefusedBecomePlainWords() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      try await receivers.twin.add([
        "fault": "error", "code": "msg_blocks_too_long", "operation": "chat.postMessage",
      ])
      #expect(await receivers.notifier([Sample.slackApp]).finish([Sample.notice(.failed)]) == nil)
      let text = await receivers.twin.messages.first?.text ?? ""
      #expect(text.contains("failed: deploy api: the build failed: exit 1"), "\(text)")
    }
  }

  @Test(arguments: ["channel_not_found", "invalid_auth", "missing_scope", "a_word_of_tomorrow"])
  func anErrorUnder200IsAFailure(_ code: String) throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      try await receivers.twin.add(["fault": "error", "code": .string(code), "count": "always"])
      let line = await receivers.notifier([Sample.slackApp]).finish([Sample.notice(.failed)])
      #expect(line?.hasPrefix("not told: slack-app (#deploys): its ") == true || line?.contains(code) == true)
      #expect(await receivers.twin.count(of: "chat.postMessage") == 1)
    }
  }

  /// A cancelled run is gone by 6.5 s: what is left of that is all its messages get.
  @Test func theLastMomentOfACancelledRunEndsEverything() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      try await receivers.twin.add(["fault": "hang", "operation": "hook", "count": "always"])
      let began = clock.now
      let line = await receivers.notifier(Self.all).finish(
        [Sample.notice(.failed)], by: clock.now + .milliseconds(600))
      #expect(clock.now - began <= .milliseconds(600))
      #expect(
        line == "not told: slack (SLACK_WEBHOOK): it did not answer in time"
          || line == "not told: slack (SLACK_WEBHOOK): it did not answer")
      #expect(await receivers.twin.messages.count == 3)
    }
  }

  @Test func noSecretIsInAnyMessage() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      let planted = "planted-Secret/Value+42=é"
      let redactor = Redactor(secrets: [("API_KEY", planted)])
      var notice = Sample.notice(.failed)
      let base64 = Data(planted.utf8).base64EncodedString()
      notice.headline += " \(planted)"
      notice.subject = planted
      notice.by = planted
      notice.problem = "the build printed \(planted) and \(base64)"
      notice.reason = planted
      notice.next = "export KEY=\(planted)"
      notice.services.append(.init(name: planted, from: planted, to: planted, note: planted))
      #expect(await receivers.notifier(Self.all, redact: { redactor.redact($0) }).finish([notice]) == nil)
      let received = await receivers.twin.received
      #expect(received.count == 4)
      for body in received {
        #expect(body.contains("[secret API_KEY]") || body.contains("\\\\[secret API\\\\_KEY\\\\]"), "\(body)")
        for form in [planted, base64, "planted-Secret", "whsec_", "xoxb-"] {
          #expect(!body.contains(form), "\(body)")
        }
      }
    }
  }

  @Test func aSecretThatIsNotSetIsSaidAndTheOthersAreTold() throws {
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      var secrets = Sample.secrets
      secrets["SLACK_WEBHOOK"] = nil
      let notifier = Notifier(
        receivers.declared([Sample.slack, Sample.discord], secrets: secrets), clock: clock, spawn: spawn,
        redact: { $0 })
      #expect(
        await notifier.finish([Sample.notice(.released)])
          == "not told: slack (SLACK_WEBHOOK): SLACK_WEBHOOK is not set")
      #expect(await receivers.twin.messages.count == 1)
    }
  }

  // MARK: A kill between

  @Test func theNextProcessFinishesTheMessageOfAKilledOne() throws {
    let scratch = try ScratchDirectory()
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      let sent = SentMessages(path: scratch.path + "/prod.notices.json")
      let killed = receivers.notifier([Sample.slackApp, Sample.discord, Sample.slack], sent: sent)
      killed.tell(Sample.notice(.started))
      try await clock.sleep(for: .seconds(5))
      let file = try scratch.read("prod.notices.json")
      #expect(!file.contains("Secret"))
      let next = receivers.notifier([Sample.slackApp, Sample.discord, Sample.slack], sent: sent)
      #expect(await next.untold == [RunID(12)])
      #expect(await next.finish([Sample.notice(.failed)]) == nil)
      let messages = await receivers.twin.messages
      #expect(messages.count == 3)
      #expect(messages.filter { $0.edits == 1 }.count == 2)
      #expect(await receivers.notifier([Sample.slackApp], sent: sent).untold.isEmpty)
      #expect(!FileManager.default.fileExists(atPath: scratch.path + "/prod.notices.json"))
    }
  }

  /// An interrupted run is told as such, and once more when it is settled, in the same message.
  @Test func anInterruptedRunKeepsItsMessage() throws {
    let scratch = try ScratchDirectory()
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      let sent = SentMessages(path: scratch.path + "/prod.notices.json")
      var interrupted = Sample.notice(.failed)
      interrupted.headline = "run 12 was interrupted"
      interrupted.isLast = false
      #expect(await receivers.notifier([Sample.discord], sent: sent).finish([interrupted]) == nil)
      #expect(
        await receivers.notifier([Sample.discord], sent: sent).finish([Sample.notice(.released)]) == nil)
      #expect(await receivers.twin.messages.map(\.edits) == [1])
    }
  }

  @Test func whatASignedWebhookDidNotTakeComesAgainAsTheSameEvent() throws {
    let scratch = try ScratchDirectory()
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      let sent = SentMessages(path: scratch.path + "/prod.notices.json")
      try await receivers.twin.add(["fault": "hang"])
      let line = await receivers.notifier([Sample.webhook], sent: sent).finish([Sample.notice(.released)])
      #expect(line?.hasPrefix("not told: webhook (HOOK_URL)") == true)
      try await clock.sleep(for: .seconds(3600))
      let next = receivers.notifier([Sample.webhook], sent: sent)
      #expect(await next.untold == [RunID(12)])
      #expect(await next.finish([Sample.notice(.released)]) == nil)
      #expect(await receivers.twin.messages.map(\.deliveries) == [1])
    }
  }

  @Test func aFileThatIsBrokenIsNoTrouble() throws {
    let scratch = try ScratchDirectory()
    try scratch.write("[{\"run\": {}}, 7, nonsense", to: "prod.notices.json")
    try VirtualTime(start: Sample.start).run { clock, spawn in
      let receivers = try await Receivers(clock, spawn)
      let sent = SentMessages(path: scratch.path + "/prod.notices.json")
      #expect(
        await receivers.notifier([Sample.discord], sent: sent).finish([Sample.notice(.released)]) == nil)
      let nowhere = SentMessages(path: scratch.path + "/none/prod.notices.json")
      let notifier = receivers.notifier([Sample.discord], sent: nowhere)
      notifier.tell(Sample.notice(.started))
      try await clock.sleep(for: .seconds(1))
      #expect(await notifier.finish([Sample.notice(.released)]) == nil)
    }
  }
}
