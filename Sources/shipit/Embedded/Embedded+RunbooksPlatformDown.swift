// Written by scripts/embed from runbooks/platform-down.md: change that file, then `make docs`.

extension Embedded {
  static let runbooksPlatformDown = #"""
    # A platform is down

    A platform cannot be reached, or has trouble. Nothing that is not known is repeated; what is not done is said.

    1. Is it the platform, the network, or the token? Each is tried by itself.

       ```sh
       shipit doctor prod
       ```

    2. What is live, as the ledger knows it, without asking any platform:

       ```sh
       shipit status prod --offline
       ```

    3. Nobody should deploy into it.

       ```sh
       shipit hold prod --reason "the platform has trouble"
       ```

    4. Only one platform is down and the release is at fault: take the services of the others back. Here it is `web`.

       ```sh
       shipit rollback prod --only web --yes --reason "the other platform is down"
       ```

    5. It is up again: see what is true, and go on.

       ```sh
       shipit status prod
       shipit unhold prod
       shipit deploy prod --yes
       ```
    """#
}
