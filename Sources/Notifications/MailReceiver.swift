import Concurrency
import Crypto
import Model
import SMTP

/// People who are told by mail (contract notifications §6).
struct MailReceiver: NoticeReceiver {
  let name: String
  let target: EmailTarget
  let user: Sensitive?
  let password: Sensitive?
  let transport: any MailTransport
  /// A PEM file of the authorities to trust instead of the system's.
  var certificateAuthorities: String?

  var canEdit: Bool { false }
  /// Mail programs show one id once, but not all of them do.
  var isIdempotent: Bool { false }

  func send(
    _ notice: Notice, replacing reference: String?, limit: Duration
  ) async throws(NoticeFailure) -> String? {
    let message = self.message(notice, replyingTo: reference)
    let server = MailServer(
      url: target.server, user: user?.reveal(), password: password?.reveal(),
      greeting: MailReceiver.domain(target.from), certificateAuthorities: certificateAuthorities)
    let receipt: MailReceipt
    do throws(MailError) {
      receipt = try await transport.send(message, by: server, limit: limit)
    } catch {
      throw MailReceiver.failure(error)
    }
    guard receipt.refused == 0 else {
      throw NoticeFailure(.useless, "it refused \(receipt.refused) of \(target.to.count) recipients")
    }
    return message.id
  }

  private static func failure(_ error: MailError) -> NoticeFailure {
    switch error.code {
    case .refused, .nameNotFound: NoticeFailure(.harmless(after: nil), error.message)
    case .timeout, .connectionLost: NoticeFailure(.doubling, error.message)
    case .unsupported, .tls, .login, .rejected, .other: NoticeFailure(.useless, error.message)
    }
  }

  func examine() async -> Examination {
    guard MailClient.isSupported else {
      return Examination(
        name, .bad, "the libcurl of this machine cannot send mail",
        hint: "install libcurl with SMTP, as Debian's has it", because: .configuration)
    }
    if password == nil, !target.server.hasPrefix("smtps://"), !target.server.contains(":") {
      return Examination(name, .bad, "its server cannot be read", because: .configuration)
    }
    let login = password == nil ? "without login" : "with login"
    let count = target.to.count == 1 ? "1 recipient" : "\(target.to.count) recipients"
    return Examination(name, .good, "\(login), \(count); nothing was sent")
  }

  private func message(_ notice: Notice, replyingTo reference: String?) -> MailMessage {
    let text = NoticeText(notice)
    var lines = [NoticeText.line(text.plainTitle, 300), "", NoticeText.line(text.change, 500)]
    if let reason = notice.reason { lines.append(NoticeText.line("reason: \(reason)", 500)) }
    if !text.services.isEmpty { lines += [""] + text.services.map { NoticeText.line($0, 300) } }
    if let problem = notice.problem { lines += ["", NoticeText.line("failed: \(problem)", 1500)] }
    if let next = notice.next { lines += ["", NoticeText.line("next: \(next)", 1000)] }
    if let link = notice.link { lines += ["", "the run's log: \(NoticeText.line(link, 1000))"] }
    let id = SignedWebhook.id(of: notice).dropFirst(4)
    return MailMessage(
      from: target.from, to: target.to, subject: NoticeText.line(text.plainTitle, 200),
      text: lines.joined(separator: "\n"), at: notice.at,
      id: "shipit.\(id)@\(MailReceiver.domain(target.from))", inReplyTo: reference)
  }

  private static func domain(_ address: String) -> String {
    String(address.split(separator: "@").last ?? "localhost")
  }
}
