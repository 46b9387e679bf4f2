//! What is read in a step, and how it is prepared.

use super::{Around, HyperparameterCategory, KnownHyperparameter, PLAIN, Transfer, UsualRole};
use crate::sections;

const BASE: KnownHyperparameter = KnownHyperparameter { category: HyperparameterCategory::Data, ..PLAIN };

/// Any, of which nothing else is known.
pub(super) const ANY: KnownHyperparameter = KnownHyperparameter { called: "a choice of the data", ..BASE };

/// How many examples an update is made of.
pub const BATCH_SIZE: KnownHyperparameter = KnownHyperparameter {
    id: "batch_size",
    called: "the batch size",
    role: UsualRole::ScientificOrFixed,
    why: "It governs speed, not the quality that can be reached: with everything else tuned, and steps enough, every batch \
          size should reach the same. Hold it at the largest that the hardware supports.",
    spellings: &[
        "batchsize",
        "bs",
        "bsz",
        "batchsz",
        "batch",
        "minibatch",
        "minibatchsize",
        "mbsize",
        "globalbatch",
        "localbatch",
        "globalbatchsize",
        "localbatchsize",
        "trainbatchsize",
        "effectivebatchsize",
        "totalbatchsize",
        "samplespergpu",
        "imgsperbatch",
        "imsperbatch",
        "imagesperbatch",
        "examplesperbatch",
        "examplesperstep",
        "tokensperbatch",
        "batchtokens",
        "batchsizepergpu",
        "numexamplesperbatch",
        "sizeofbatch",
        "microbatchsize",
        "samplesperbatch",
        "sequencesperbatch",
        "sgdminibatchsize",
    ],
    transfer: Transfer::Unknown,
    papers: &["arXiv:1811.03600"],
    section: sections::BATCH_SIZE,
    ..BASE
};

/// How many batches an update is gathered of.
pub const GRADIENT_ACCUMULATION: KnownHyperparameter = KnownHyperparameter {
    id: "gradient_accumulation",
    called: "gradient accumulation",
    role: UsualRole::None,
    why: "It imitates a batch that the hardware cannot hold, and so gains no throughput.",
    spellings: &[
        "gradientaccumulation",
        "gradaccumulation",
        "gradaccum",
        "gradacc",
        "gradientaccumulationsteps",
        "gradaccumulationsteps",
        "gradaccumsteps",
        "gradaccsteps",
        "accumulationsteps",
        "accumulatesteps",
        "accumsteps",
        "accumulategradbatches",
        "accumulategradients",
        "accumulategrads",
        "accumgrad",
        "accumulatebatches",
        "accumiter",
        "accumiters",
        "accumbatches",
        "numaccumulationsteps",
        "gradientaccumulate",
        "batchaccumulation",
        "accumulategradientsteps",
        "numgradaccumulationsteps",
        "gradientaccumulations",
    ],
    section: sections::THROUGHPUT,
    ..BASE
};

const RESOLUTION: KnownHyperparameter = KnownHyperparameter {
    id: "resolution",
    called: "the size of an example",
    role: UsualRole::ScientificOrFixed,
    why: "It changes what training and serving cost, as the architecture does.",
    spellings: &[
        "imagesize",
        "resolution",
        "imageresolution",
        "inputsize",
        "imgsize",
        "cropsize",
        "sequencelength",
        "seqlen",
        "seqlength",
        "maxseqlen",
        "contextlength",
        "blocksize",
        "maxlength",
    ],
    around: Around::Settings,
    ..BASE
};

/// All of them.
pub(super) const ALL: &[&KnownHyperparameter] = &[&BATCH_SIZE, &GRADIENT_ACCUMULATION, &RESOLUTION];
