//! The model: each setting is a different model.

use super::{Around, HyperparameterCategory, KnownHyperparameter, PLAIN, Transfer, UsualRole};
use crate::sections;

const BASE: KnownHyperparameter = KnownHyperparameter {
    category: HyperparameterCategory::Architecture,
    role: UsualRole::ScientificOrFixed,
    why: "It changes what training and serving cost, their latency and memory: a nuisance would compare models of unlike cost.",
    transfer: Transfer::Likely,
    ..PLAIN
};

/// Any, of which nothing else is known.
pub(super) const ANY: KnownHyperparameter = KnownHyperparameter { called: "a choice of the architecture", ..BASE };

/// How many layers or blocks a network has.
pub const NUM_LAYERS: KnownHyperparameter = KnownHyperparameter {
    id: "num_layers",
    called: "the number of layers",
    why: "It decides what training and serving cost, more than anything else: as a nuisance the costs of what is compared \
          differ.",
    spellings: &[
        "layers",
        "numlayers",
        "nlayers",
        "nlayer",
        "numberoflayers",
        "nblayers",
        "hiddenlayers",
        "numhiddenlayers",
        "nhiddenlayers",
        "numblocks",
        "nblocks",
        "numberofblocks",
        "depth",
        "networkdepth",
        "modeldepth",
        "transformerlayers",
        "numtransformerlayers",
        "convlayers",
        "numconvlayers",
        "numresidualblocks",
        "numresblocks",
        "numlayer",
        "numencoderlayers",
        "numdecoderlayers",
        "enclayers",
        "declayers",
        "rnnlayers",
        "numrnnlayers",
        "lstmlayers",
        "numlstmlayers",
        "gnnlayers",
        "numgnnlayers",
        "mlplayers",
        "nummlplayers",
        "fclayers",
        "numfclayers",
        "cnnlayers",
        "numcnnlayers",
        "denselayers",
        "numdenselayers",
        "resblocks",
    ],
    ..BASE
};

const WIDTH: KnownHyperparameter = KnownHyperparameter {
    id: "width",
    called: "the width",
    spellings: &[
        "width",
        "hiddensize",
        "hiddenunits",
        "hiddendim",
        "hiddenwidth",
        "numhidden",
        "nhidden",
        "dmodel",
        "modeldim",
        "embeddim",
        "embeddingdim",
        "embeddingsize",
        "nembd",
        "numfilters",
        "nfilters",
        "numchannels",
        "nchannels",
        "channels",
        "widthmultiplier",
        "widthmult",
        "numunits",
        "units",
        "layerwidth",
        "mlpdim",
        "ffndim",
        "dff",
        "hiddenchannels",
    ],
    ..BASE
};

const MODEL_SIZE: KnownHyperparameter = KnownHyperparameter {
    id: "model_size",
    called: "the size of the model",
    spellings: &["modelsize", "numparameters", "numparams", "nparams", "modelscale", "parametercount", "modelvariant"],
    around: Around::Settings,
    ..BASE
};

const NUM_HEADS: KnownHyperparameter = KnownHyperparameter {
    id: "num_heads",
    called: "the number of heads",
    spellings: &["numheads", "nheads", "nhead", "attentionheads", "numattentionheads", "numberofheads"],
    ..BASE
};

/// Which activation function.
pub const ACTIVATION: KnownHyperparameter = KnownHyperparameter {
    id: "activation",
    called: "the activation function",
    why: "Scientific when it is the question, fixed with a caveat, or a nuisance when models of other shapes are compared.",
    spellings: &[
        "activation",
        "activationfunction",
        "activationfn",
        "activationname",
        "activationtype",
        "act",
        "actfn",
        "nonlinearity",
        "hiddenact",
        "hiddenactivation",
    ],
    ..BASE
};

/// Which normalization.
pub const NORMALIZATION: KnownHyperparameter = KnownHyperparameter {
    id: "normalization",
    called: "the normalization",
    why: "Batch normalization ties the result to the batch size and to the number of hosts; layer normalization often does as \
          well.",
    spellings: &[
        "normalization",
        "norm",
        "normlayer",
        "normtype",
        "normalizationlayer",
        "normalizationtype",
        "normalizer",
        "whichnorm",
        "normname",
        "layernormalization",
    ],
    papers: &["arXiv:1607.06450"],
    section: sections::BATCH_NORM,
    ..BASE
};

/// Whether batch normalization is used, or a number of it.
pub const BATCH_NORM: KnownHyperparameter = KnownHyperparameter {
    id: "batch_norm",
    called: "batch normalization",
    why: "Its statistics are those of the batch: they change with the batch size and with the number of devices.",
    spellings: &[
        "batchnorm",
        "usebatchnorm",
        "batchnormalization",
        "usebn",
        "bn",
        "usebatchnormalization",
        "withbn",
        "withbatchnorm",
        "batchnormmomentum",
        "bnmomentum",
        "batchnormeps",
        "batchnormepsilon",
        "bneps",
        "bnepsilon",
        "batchnormdecay",
        "bndecay",
        "hasbatchnorm",
    ],
    papers: &["arXiv:1502.03167"],
    section: sections::BATCH_NORM,
    ..BASE
};

/// How many examples batch normalization takes its statistics of, or whether devices share them.
pub const GHOST_BATCH_SIZE: KnownHyperparameter = KnownHyperparameter {
    id: "ghost_batch_size",
    called: "the batch of batch normalization",
    why: "About 64 examples, whatever the batch size: it keeps batch sizes comparable.",
    spellings: &[
        "ghostbatchsize",
        "virtualbatchsize",
        "statsbatchsize",
        "bnstatsbatchsize",
        "bnbatchsize",
        "batchnormbatchsize",
        "ghostbatchnorm",
        "ghostbn",
        "syncbn",
        "syncbatchnorm",
        "syncedbatchnorm",
        "synchronizebatchnorm",
    ],
    papers: &["arXiv:1705.08741"],
    section: sections::BATCH_NORM,
    ..BASE
};

/// All of them.
pub(super) const ALL: &[&KnownHyperparameter] =
    &[&NUM_LAYERS, &WIDTH, &MODEL_SIZE, &NUM_HEADS, &ACTIVATION, &NORMALIZATION, &BATCH_NORM, &GHOST_BATCH_SIZE];
