"""The checks of a deployed folder (spec §14.7).

* layout: the names of the files of a folder, and what each of them proves;
* evidence: signed files in the folder: manifests, card, credentials, log proofs;
* approval: a signed decision on the model card that permits the deployment;
* model signature: the signature over all model files in the format of OpenSSF Model Signing;
* rights: whether the sources of the training data permitted the use.

Example:
    >>> from lyrikstore.verify.deployment.layout import input_name
    >>> input_name("run", "c6e312ed8ec2")
    'run-c6e312ed8ec2'
"""
