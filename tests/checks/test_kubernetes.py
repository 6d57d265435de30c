"""The manifests for Kubernetes: by its published schemas, by what the program's exit codes mean, and run as Pods would run them"""

import json
import os
import re
import signal
import stat
import subprocess
import unittest

import kubernetes_validate
import yaml
from cloud import ACCOUNT, REGION, Sandbox
from program import PROGRAM, ROOT, InAFolder

EXAMPLES = ROOT / "examples" / "kubernetes"
NEWEST = "1.37"


def text(name):
    return (EXAMPLES / name).read_text(encoding="utf-8")


def documents(name):
    return list(yaml.safe_load_all(text(name)))


def of_kind(name, kind):
    (found,) = [document for document in documents(name) if document["kind"] == kind]
    return found


def job(name):
    """What a Job of this file is, whether or not a CronJob makes it"""
    if "cronjob" in name:
        return of_kind(name, "CronJob")["spec"]["jobTemplate"]["spec"]
    return of_kind(name, "Job")["spec"]


JOBS = {"drift-cronjob.yaml": "drift", "fleet-job.yaml": "apply"}


def pod(name):
    return job(name)["template"]["spec"]


def container(name):
    (found,) = pod(name)["containers"]
    return found


def exit_codes():
    """Those that the documentation has"""
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    codes = re.findall(r"^\| ([0-9, ]+) \|", page, re.MULTILINE)
    return {int(code) for codes in codes for code in codes.split(", ")}


def policy(name):
    """The exit codes of each action"""
    rules = job(name)["podFailurePolicy"]["rules"]
    return {rule["action"]: set(rule["onExitCodes"]["values"]) for rule in rules if "onExitCodes" in rule}


class Schemas(unittest.TestCase):
    def test_every_object_is_valid_in_the_oldest_version_that_its_file_names_and_in_the_newest(self):
        for name in JOBS:
            oldest = re.search(r"For Kubernetes ([0-9.]+) or later", text(name)).group(1)
            for version in (oldest, NEWEST):
                for document in documents(name):
                    with self.subTest(name, version=version, kind=document["kind"]):
                        self.assertEqual(kubernetes_validate.validate(document, version, strict=True), version)

    def test_a_field_that_kubernetes_does_not_know_would_be_found(self):
        cron = of_kind("drift-cronjob.yaml", "CronJob")
        cron["spec"]["jobTemplate"]["spec"]["podFailurePolicie"] = {}
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(cron, NEWEST, strict=True)


class Pods(unittest.TestCase):
    def test_a_pod_may_do_no_more_than_it_has_to(self):
        for name in JOBS:
            spec = pod(name)
            self.assertIs(spec["automountServiceAccountToken"], False)
            self.assertEqual(spec["serviceAccountName"], of_kind(name, "ServiceAccount")["metadata"]["name"])
            self.assertIn("eks.amazonaws.com/role-arn", of_kind(name, "ServiceAccount")["metadata"]["annotations"])
            self.assertIs(spec["securityContext"]["runAsNonRoot"], True)
            self.assertGreater(spec["securityContext"]["runAsUser"], 0)
            self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            for one in spec["containers"] + spec.get("initContainers", []):
                with self.subTest(name, container=one["name"]):
                    secure = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
                    self.assertEqual(one["securityContext"], secure)
                    self.assertIn("memory", one["resources"]["limits"])
                    self.assertRegex(one["image"], r":[0-9][0-9.]*$")

    def test_the_user_is_that_of_the_image(self):
        user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE).groups()
        for name in JOBS:
            context = pod(name)["securityContext"]
            self.assertEqual((str(context["runAsUser"]), str(context["runAsGroup"])), user)
            self.assertEqual(context["fsGroup"], context["runAsGroup"])

    def test_every_mount_has_a_volume_and_every_volume_is_mounted(self):
        for name in JOBS:
            spec = pod(name)
            mounted = {mount["name"] for one in spec["containers"] + spec.get("initContainers", []) for mount in one["volumeMounts"]}
            self.assertEqual(mounted, {volume["name"] for volume in spec["volumes"]})

    def test_the_claim_is_one_that_several_nodes_can_write_to(self):
        claim = of_kind("fleet-job.yaml", "PersistentVolumeClaim")
        (volume,) = [volume for volume in pod("fleet-job.yaml")["volumes"] if "persistentVolumeClaim" in volume]
        self.assertEqual(volume["persistentVolumeClaim"]["claimName"], claim["metadata"]["name"])
        self.assertEqual(claim["spec"]["accessModes"], ["ReadWriteMany"])

    def test_no_two_runs_of_the_cron_job_overlap(self):
        self.assertEqual(of_kind("drift-cronjob.yaml", "CronJob")["spec"]["concurrencyPolicy"], "Forbid")

    def test_the_parts_of_the_fleet_are_as_many_everywhere(self):
        fleet = job("fleet-job.yaml")
        environment = {one["name"]: one.get("value") for one in container("fleet-job.yaml")["env"]}
        self.assertEqual(fleet["completionMode"], "Indexed")
        self.assertEqual({fleet["completions"], fleet["parallelism"], int(environment["KMS_ALIAS_SHARDS"])}, {fleet["completions"]})
        self.assertIn("--shard=$(JOB_COMPLETION_INDEX)/$(KMS_ALIAS_SHARDS)", container("fleet-job.yaml")["args"])


class FailurePolicy(unittest.TestCase):
    def test_only_what_another_try_can_mend_is_tried_again(self):
        for name in JOBS:
            rules = policy(name)
            listed = [code for codes in rules.values() for code in codes]
            self.assertEqual(len(listed), len(set(listed)), "the first rule of a code is the one that counts")
            # The service failed; incomplete; told to stop.
            self.assertEqual(exit_codes() - {0} - set(listed), {1, 6, 130, 143}, name)
            self.assertLessEqual(set(listed), exit_codes(), name)

    def test_what_is_the_same_for_every_part_ends_the_whole_fleet_and_the_rest_its_own_part(self):
        self.assertEqual(policy("drift-cronjob.yaml"), {"FailJob": {2, 3, 4, 5, 64}})
        self.assertEqual(policy("fleet-job.yaml"), {"FailJob": {3, 64}, "FailIndex": {2, 4, 5}})

    def test_what_the_policy_depends_on_is_there(self):
        for name in JOBS:
            self.assertEqual(pod(name)["restartPolicy"], "Never")
            for rule in job(name)["podFailurePolicy"]["rules"]:
                if "onExitCodes" in rule:
                    self.assertEqual(rule["onExitCodes"]["containerName"], container(name)["name"])
                    self.assertEqual(rule["onExitCodes"]["operator"], "In")
        self.assertIn("backoffLimitPerIndex", job("fleet-job.yaml"))
        self.assertNotIn("backoffLimit", job("fleet-job.yaml"))


class Kustomization(unittest.TestCase):
    def setUp(self):
        (self.kustomization,) = documents("kustomization.yaml")

    def test_all_that_it_names_is_there(self):
        for name in self.kustomization["resources"]:
            self.assertIn(name, JOBS)
        offered = re.findall(r"^  # - (\S+)$", text("kustomization.yaml"), re.MULTILINE)
        self.assertEqual(set(self.kustomization["resources"]) | set(offered), set(JOBS))

    def test_its_config_map_is_the_one_that_the_pods_mount(self):
        (generator,) = self.kustomization["configMapGenerator"]
        for name in JOBS:
            (volume,) = [volume for volume in pod(name)["volumes"] if "configMap" in volume]
            self.assertEqual(volume["configMap"], {"name": generator["name"]})
        for file in generator["files"]:
            self.assertTrue((EXAMPLES / file).is_file(), file)

    def test_its_image_is_the_one_that_the_pods_run(self):
        (image,) = self.kustomization["images"]
        for name in JOBS:
            self.assertEqual(container(name)["image"], f"{image['name']}:{image['newTag']}")


class InAPod(InAFolder):
    """Runs containers as the kubelet would, as far as a process can be one: their arguments, their environment and their volumes"""

    def setUp(self):
        super().setUp()
        self.sandbox = Sandbox(self)
        self.mount_manifest(text("aliases.yaml"))

    def mount_manifest(self, manifest):
        """Puts it where its ConfigMap is mounted: the kubelet makes links to links, so that a change comes at once"""
        volume = self.folder / "manifest"
        (volume / "..2026_11_22").mkdir(parents=True, exist_ok=True)
        (volume / "..2026_11_22" / "aliases.yaml").write_text(manifest, encoding="utf-8")
        if not (volume / "..data").is_symlink():
            (volume / "..data").symlink_to("..2026_11_22")
            (volume / "aliases.yaml").symlink_to("..data/aliases.yaml")

    def place(self, one, word):
        """A word of the container, with its mounts in the folder"""
        for mount in one["volumeMounts"]:
            (self.folder / mount["mountPath"].lstrip("/")).mkdir(exist_ok=True)
            word = re.sub(rf"(?<![^=]){mount['mountPath']}(?=/)", f"{self.folder}{mount['mountPath']}", word)
        return word

    def run_pod(self, name, *more, **variables):
        one = container(name)
        variables = {entry["name"]: entry["value"] for entry in one["env"] if "value" in entry} | variables
        named = {entry["name"] for entry in one["env"]}
        self.assertLessEqual(named, set(variables), "a variable that the cluster gives is missing here")
        arguments = [self.place(one, word) for word in one["args"]]
        arguments = [re.sub(r"\$\((\w+)\)", lambda match: variables[match.group(1)], word) for word in arguments]
        # The sandbox takes the account from the key's id.
        credentials = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_REGION": REGION}
        return self.run_in_folder(PROGRAM, *arguments, *more, AWS_ENDPOINT_URL=self.sandbox.url, **credentials, **variables)

    def run_fleet(self, index, *more):
        return self.run_pod("fleet-job.yaml", *more, POD_NAME=f"kms-alias-fleet-{index}-abcde", JOB_COMPLETION_INDEX=str(index))

    def test_the_fleet_applies_and_drift_is_silent_until_somebody_changes_an_alias(self):
        for index in range(job("fleet-job.yaml")["completions"]):
            ran = self.run_fleet(index)
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        clean = self.run_pod("drift-cronjob.yaml")
        self.assertEqual((clean.returncode, clean.stdout), (0, ""), clean.stderr)

        self.sandbox.kms.delete_alias(AliasName="alias/app/billing/db-writer")
        drifted = self.run_pod("drift-cronjob.yaml")
        self.assertEqual(drifted.returncode, 2, drifted.stderr)
        self.assertIn("alias/app/billing/db-writer", drifted.stdout)
        self.assertIn(2, policy("drift-cronjob.yaml")["FailJob"])

    def test_each_part_takes_targets_of_its_own_and_together_they_take_all(self):
        taken = []
        for index in range(job("fleet-job.yaml")["completions"]):
            ran = self.run_fleet(index, "--output=json")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            taken += [target["name"] for target in json.loads(ran.stdout)["plan"]["targets"]]
        whole = self.kms_alias("plan", "--sandbox", "--file", EXAMPLES / "aliases.yaml", "--output=json")
        self.assertEqual(sorted(taken), sorted(target["name"] for target in json.loads(whole.stdout)["targets"]))

    def test_a_pod_that_is_not_told_its_number_writes_nothing_and_ends_the_whole_fleet(self):
        before = self.sandbox.aliases()
        # What Kubernetes does not know it leaves as it is written.
        ran = self.run_fleet("$(JOB_COMPLETION_INDEX)")
        self.assertIn(ran.returncode, policy("fleet-job.yaml")["FailJob"], ran.stderr)
        self.assertEqual(self.sandbox.aliases(), before)

    def test_nothing_is_written_beside_the_volumes_that_can_be_written_to(self):
        for index in range(job("fleet-job.yaml")["completions"]):
            self.run_fleet(index)
        self.run_pod("drift-cronjob.yaml")
        written = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()}
        written.discard("manifest/..2026_11_22/aliases.yaml")
        self.assertIn("metrics/kms-alias.prom", written)
        self.assertEqual({name.split("/")[0] for name in written}, {"metrics", "receipts"})

    def test_each_try_of_a_part_has_a_receipt_of_its_own(self):
        shards = range(job("fleet-job.yaml")["completions"])
        for index in shards:
            self.run_fleet(index)
        receipts = list((self.folder / "receipts").iterdir())
        self.assertTrue(receipts)
        for receipt in receipts:
            self.assertRegex(receipt.name, r"^kms-alias-fleet-[0-9]+-abcde\.jsonl$")
            self.assertEqual(stat.S_IMODE(receipt.stat().st_mode), 0o600)
            self.kms_alias("show", receipt)

    def test_a_manifest_that_is_invalid_ends_the_whole_fleet(self):
        self.mount_manifest("version: 1\n")
        ran = self.run_fleet(0)
        self.assertIn(ran.returncode, policy("fleet-job.yaml")["FailJob"], ran.stderr)

    def test_a_guard_that_refuses_ends_that_part_alone(self):
        self.mount_manifest(text("aliases.yaml").replace("targets:\n", "guards: {max_update: 0}\ntargets:\n", 1))
        codes = {self.run_fleet(index).returncode for index in range(job("fleet-job.yaml")["completions"])}
        self.assertIn(4, codes)
        self.assertLessEqual(codes - {0}, policy("fleet-job.yaml")["FailIndex"])

    def test_a_service_that_cannot_be_reached_is_tried_again(self):
        self.sandbox.process.kill()
        self.sandbox.process.wait()
        ran = self.run_pod("drift-cronjob.yaml", "--timeout=1s")
        self.assertEqual(ran.returncode, 1, ran.stderr)
        self.assertNotIn(1, policy("drift-cronjob.yaml")["FailJob"])


class Sidecar(InAFolder):
    """The shell of push-metrics, with a stand-in for curl that tells what it was asked"""

    def setUp(self):
        super().setUp()
        (self.one,) = pod("drift-cronjob.yaml")["initContainers"]
        curl = self.folder / "bin" / "curl"
        curl.parent.mkdir()
        curl.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{self.folder}/asked"\n', encoding="utf-8")
        curl.chmod(0o755)
        (self.folder / "metrics").mkdir()

    def end(self):
        """Starts it, and tells it to end once it waits"""
        (shell, option), (script,) = self.one["command"], self.one["args"]
        script = script.replace("/metrics/kms-alias.prom", f"{self.folder}/metrics/kms-alias.prom")
        # The first sleep begins when the trap is set.
        sleep = self.folder / "bin" / "sleep"
        sleep.write_text("#!/bin/sh\necho waits\nexec /bin/sleep \"$@\"\n", encoding="utf-8")
        sleep.chmod(0o755)
        variables = {entry["name"]: entry["value"] for entry in self.one["env"]}
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]])
        environment = self.environment(**variables) | {"PATH": path}
        command = [shell, option, script]
        running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            self.assertEqual(running.stdout.readline(), "waits\n")
            running.terminate()
            self.assertEqual(running.wait(timeout=60), 0)
        finally:
            # Its last sleep, which the end of a container would end.
            os.killpg(running.pid, signal.SIGKILL)
            running.stdout.close()

    def test_it_pushes_the_report_when_it_is_told_to_end(self):
        report = self.folder / "metrics" / "kms-alias.prom"
        report.write_text("kms_alias_last_run_exit_code 0\n", encoding="utf-8")
        self.end()
        asked = (self.folder / "asked").read_text(encoding="utf-8").splitlines()
        self.assertEqual(asked[-3:], ["--upload-file", str(report), "http://prometheus-pushgateway.monitoring:9091/metrics/job/kms-alias"])

    def test_it_pushes_nothing_where_there_is_no_report(self):
        self.end()
        self.assertFalse((self.folder / "asked").exists())

    def test_the_report_is_where_the_program_writes_it(self):
        (report,) = [word for word in container("drift-cronjob.yaml")["args"] if word.startswith("--report=prometheus=")]
        self.assertIn(f"--upload-file {report.removeprefix('--report=prometheus=')} ", self.one["args"][0])
        self.assertEqual(self.one["restartPolicy"], "Always")


if __name__ == "__main__":
    unittest.main()
