// Written by scripts/embed from runbooks/deploy-failed.md: change that file, then `make docs`.

extension Embedded {
  static let runbooksDeployFailed = #"""
    # A deploy failed

    Exit 7 or 11: users are served by the previous release, and that was proven. Nothing is urgent.

    1. See that it is so. The first line says what is live.

       ```sh
       shipit status prod
       ```

    2. See why. It names the step, the cause and what to do.

       ```sh
       shipit why prod
       ```

    3. A build or a start failed: read its log. `why` names the service; here it is `api`.

       ```sh
       shipit logs prod api
       ```

    4. Mend it and deploy a new commit. The failed one may be marked bad; when it was not to blame:

       ```sh
       shipit deploy prod --again --yes
       ```

    It did not fail, it was cut off (a cancelled job, a lost runner): `shipit settle prod` finds out what it left, and closes
    it. When `status` says that the state is mixed: `shipit runbook mixed-state`.
    """#
}
