//! Engines that break the contract in a run or a model: each gets its sentence, and the host goes on.

use std::num::NonZeroU32;
use std::time::Duration;

use isocenter_native::{Element, EngineState, Limits, Models, Tensor, Trouble};

use crate::support::{liar, models, row, scratch};

fn input() -> Vec<(String, Tensor)> {
    vec![("in".into(), row(&[1, 2, 3]))]
}

async fn run(models: &Models) -> Result<Vec<(String, Tensor)>, Trouble> {
    models.run("model", input()).await
}

#[tokio::test]
async fn a_good_engine_is_believed() {
    let folder = scratch();
    let models = models(&folder, &liar(&folder, &[]), "", Limits::default())
        .await
        .unwrap();
    assert_eq!(run(&models).await, Ok(vec![("out".into(), row(&[7, 8, 9]))]));
}

#[tokio::test]
async fn a_run_that_is_wrong_gives_its_reason_and_no_tensor() {
    let broken = |why: &str| Trouble::Failed(format!("the engine broke its contract: {why}"));
    for (definition, trouble) in [
        ("-DRUN_ERROR=5", Trouble::Failed("the engine says no".into())),
        ("-DRUN_ERROR=1", Trouble::Failed("the engine says no".into())),
        ("-DRUN_ERROR=-1", Trouble::Failed("the engine says no".into())),
        ("-DRUN_ERROR=2", Trouble::BadShape("the engine says no".into())),
        ("-DRUN_ERROR=3", Trouble::OutOfMemory),
        (
            "-DSILENT_ERROR",
            Trouble::Failed("the engine answered code 77 without a reason".into()),
        ),
        ("-DLONG_ERROR", Trouble::Failed("x".repeat(1024))),
        (
            "-DNULL_WITH_SUCCESS",
            broken("what it gave has 1 tensors at a null pointer"),
        ),
        ("-DNOTHING_WITH_SUCCESS", broken("it did not give the output out")),
        (
            "-DLEN=2",
            broken("tensor 1 that it gave has 2 bytes; 3 follow from its shape"),
        ),
        (
            "-DLEN=1000000000000",
            broken("tensor 1 that it gave has 1000000000000 bytes; 3 follow from its shape"),
        ),
        (
            "-DBAD_RELEASE",
            Trouble::Failed("the engine could not free what it gave: code 5".into()),
        ),
    ] {
        let folder = scratch();
        let models = models(&folder, &liar(&folder, &[definition]), "", Limits::default())
            .await
            .unwrap();
        for _ in 0..2 {
            assert_eq!(run(&models).await, Err(trouble.clone()), "{definition}");
        }
    }
}

#[tokio::test]
async fn a_model_that_is_none_is_refused() {
    for (definition, why) in [
        ("-DNO_MODEL", "it said that a model is open and gave none"),
        (
            "-DNO_PORTS",
            "of the model's inputs, the array has 1 elements at a null pointer",
        ),
    ] {
        let folder = scratch();
        let refused = models(&folder, &liar(&folder, &[definition]), "", Limits::default()).await;
        let refused = refused.unwrap_err().to_string();
        let expected = format!("is refused by liar: the engine broke its contract: {why}");
        assert!(
            refused.starts_with("model model: ") && refused.ends_with(&expected),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn what_does_not_fit_never_reaches_the_engine() {
    let folder = scratch();
    let models = models(&folder, &liar(&folder, &[]), "", Limits::default())
        .await
        .unwrap();
    assert_eq!(models.run("other", input()).await, Err(Trouble::NoSuchModel));
    let short = vec![("in".into(), row(&[1, 2]))];
    assert_eq!(
        models.run("model", short).await,
        Err(Trouble::BadShape("the input in takes uint8 [3], not uint8 [2]".into()))
    );
    let wide = Tensor::new(Element::Int64, vec![3], vec![0; 24]).unwrap();
    assert!(matches!(
        models.run("model", vec![("in".into(), wide)]).await,
        Err(Trouble::BadShape(_))
    ));
}

fn one_at_a_time(wall: Duration) -> Limits {
    Limits {
        concurrency: NonZeroU32::MIN,
        wall,
    }
}

#[tokio::test]
async fn an_engine_that_hangs_costs_its_slot_and_nothing_else() {
    let folder = scratch();
    let limit = Duration::from_millis(50);
    let models = models(&folder, &liar(&folder, &["-DHANG"]), "", one_at_a_time(limit))
        .await
        .unwrap();
    assert_eq!(
        run(&models).await,
        Err(Trouble::Failed(
            "the engine did not answer within 50ms; its thread was left behind".into()
        ))
    );
    let state = models.engines().next().unwrap().state();
    assert_eq!((state.slots, state.busy), (1, 1));
    // Another engine runs on.
    let other = scratch();
    let good = crate::support::models(&other, &liar(&other, &[]), "", Limits::default()).await;
    assert!(run(&good.unwrap()).await.is_ok());
    // The thread is left behind here too: the end of the process does not wait for it.
}

#[tokio::test]
async fn an_engine_that_looks_at_its_flag_gives_its_slot_back() {
    let folder = scratch();
    let limit = Duration::from_millis(50);
    let models = models(&folder, &liar(&folder, &["-DSLOW"]), "", one_at_a_time(limit))
        .await
        .unwrap();
    assert!(matches!(run(&models).await, Err(Trouble::Failed(_))));
    let engine = models.engines().next().unwrap();
    let free = EngineState {
        slots: 1,
        busy: 0,
        lost: 0,
    };
    for _ in 0..6000 {
        if engine.state() == free {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", engine.state());
}
